/** HTTP by hand: a request is text, an answer is text and then bytes, and both go through a socket. */
import { close, connect_inet, read, ref, type Step, socket, write } from '../../lib/index.js'
import { connect_unix } from '../../lib/kernel/calls/sockets.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Result } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Box } from '../../lib/tutor/lesson.js'

export interface Request {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH'
  /** With its query: `/v2/name/manifests/latest`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

export interface Answer {
  readonly status: number
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Where a server listens: an address and port of the bottle, or a socket file. */
export type Place = { readonly address: string; readonly port: number } | { readonly path: string }

const CONNECTION = ref('http')
/** Bytes that one read takes at most, and one write gives. */
const PIECE = 64 * 1024
const LARGE_PIECE = 1024 * 1024

/** The first line, the headers, an empty line. */
export function headOf({ method = 'GET', path, headers = {}, body }: Request, place: Place): string {
  const named: Record<string, string> = {
    Host: 'address' in place ? `${place.address}:${place.port}` : 'localhost',
    ...headers,
    ...(body === undefined ? {} : { 'Content-Length': String(body.length) }),
    Connection: 'close',
  }
  return [`${method} ${path} HTTP/1.1`, ...Object.entries(named).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
}

function connect(place: Place, why?: string): Step[] {
  const said = why === undefined ? {} : { why }
  return 'address' in place
    ? [
        socket('inet', 'stream', 0, { keep: CONNECTION.ref, why: 'a socket for a stream of bytes (TCP)' }),
        connect_inet(CONNECTION, place.address, place.port, said),
      ]
    : [socket('unix', 'stream', 0, { keep: CONNECTION.ref }), connect_unix(CONNECTION, place.path, said)]
}

const pieces = (body: Buffer): Step[] =>
  Array.from({ length: Math.ceil(body.length / PIECE) }, (_, index) => write(CONNECTION, body.subarray(index * PIECE, (index + 1) * PIECE)))

const asked = (request: Request, place: Place): Step[] => [
  ...connect(place),
  write(CONNECTION, headOf(request, place)),
  ...pieces(request.body ?? Buffer.alloc(0)),
  read(CONNECTION, PIECE),
]

/** On the stage, call by call. */
export async function askByHand(box: Box, place: Place, request: Request): Promise<Answer> {
  const results = await box.step(
    ...connect(place, 'the registry is a server like any other; it has been told to listen here'),
    write(CONNECTION, headOf(request, place), { why: 'the whole question: one line, some headers, an empty line' }),
    read(CONNECTION, PIECE, { why: 'and the answer' }),
  )
  const answer = await rest(box.shim, results)
  await box.step(close(CONNECTION, { why: 'with “Connection: close” one connection is for one question' }))
  return answer
}

/** So many reads bring a short answer, and its end: the head and the body may come apart, and after the end a read brings nothing. */
const READS = 4

/** On the stage, as one act, for what fits into a few reads. */
export async function ask(box: Box, place: Place, request: Request, title?: string): Promise<Answer> {
  const reads = Array.from({ length: READS - 1 }, () => read(CONNECTION, PIECE))
  const steps = [...asked(request, place), ...reads, close(CONNECTION)]
  const results = await box.together(title ?? `${request.method ?? 'GET'} ${request.path}`, steps)
  const bytes = Buffer.concat(results.filter(({ step }) => step.call === 'read').map(bytesOf))
  const head = parseHead(bytes, request.method === 'HEAD')
  if (!head || bytes.length < head.size + head.length)
    throw new DrydockError('the answer of the registry is longer than this scene expects')
  return answerOf(head, bytes)
}

/** The same for a large answer: as many reads as it takes. */
export async function askLarge(box: Box, place: Place, request: Request, title?: string): Promise<Answer> {
  const results = await box.together(title ?? `${request.method ?? 'GET'} ${request.path}`, asked(request, place))
  const answer = await rest(box.shim, results, request.method)
  await box.shim.run([close(CONNECTION)])
  return answer
}

/** Behind the stage. A large body goes piece by piece, since a list of steps has to fit into the shim. */
export async function askQuietly(shim: Shim, place: Place, request: Request): Promise<Answer> {
  await shim.run([...connect(place), write(CONNECTION, headOf(request, place))])
  for (const piece of pieces(request.body ?? Buffer.alloc(0))) await shim.run([piece])
  const answer = await rest(shim, await shim.run([read(CONNECTION, PIECE)]), request.method)
  await shim.run([close(CONNECTION)])
  return answer
}

/** The first read may have brought less than all of it. */
async function rest(shim: Shim, results: readonly Result[], method?: Request['method']): Promise<Answer> {
  const parts = [bytesOf(results.at(-1))]
  let length = parts[0]?.length ?? 0
  let head: Head | undefined
  for (;;) {
    head ??= parseHead(Buffer.concat(parts), method === 'HEAD')
    if (head && length >= head.size + head.length) {
      return answerOf(head, Buffer.concat(parts))
    }
    const [result] = await shim.run([read(CONNECTION, LARGE_PIECE)])
    const more = bytesOf(result)
    if (more.length === 0) throw new DrydockError(`the registry ended the connection after ${length} bytes`)
    parts.push(more)
    length += more.length
  }
}

const bytesOf = (result: Result | undefined): Buffer => Buffer.from(result?.outs[0]?.subarray(0, Number(result.ret)) ?? [])

interface Head extends Omit<Answer, 'body'> {
  /** Bytes of the head itself, and of the body that follows. */
  readonly size: number
  readonly length: number
}

const answerOf = ({ status, headers, size, length }: Head, bytes: Buffer): Answer => ({
  status,
  headers,
  body: Buffer.from(bytes.subarray(size, size + length)),
})

/** Undefined as long as something is missing. docker-registry says how long its answers are; that to HEAD has no body. */
function parseHead(bytes: Buffer, bodiless: boolean): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const length = bodiless ? 0 : Number(headers['content-length'] ?? 0)
  return { status: Number(first.split(' ')[1]), headers, size: end + 4, length }
}
