/** HTTP by hand, as far as this lesson has it: a question as text, an answer as text, and both through a socket, call by call. */
import { close, connect_unix, read, ref, type Step, socket, write } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Result } from '../../lib/kernel/result.js'
import type { Box } from '../../lib/tutor/lesson.js'

export interface Answer {
  readonly status: number | undefined
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** The body as it came. */
  readonly bytes: Buffer
}

/** One question on one connection: the first line, the headers, an empty line, and the body if there is one. */
export function question(method: string, path: string, body?: object): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const about = body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...about, 'Connection: close', '', text].join('\r\n')
}

/** As a block of code in the words that are shown. */
export const block = (text: string, language = '') => `\n\n\`\`\`${language}\n${text.replaceAll('\r', '').trimEnd()}\n\`\`\`\n`

const CONNECTION = ref('http')
const PIECE = 64 * 1024
/** So many reads bring a short answer and its end: the head and the body may come apart, and after the end a read brings nothing. */
const READS = 8

const knock = (path: string): Step[] => [
  socket('unix', 'stream', 0, { keep: CONNECTION.ref, why: 'one end of a connection' }),
  connect_unix(CONNECTION, path, { why: 'to whoever listens behind this file' }),
]

/** Call by call. */
export async function askByHand(box: Box, place: string, text: string): Promise<Answer> {
  const results = await box.step(
    ...knock(place),
    write(CONNECTION, text, { why: 'the whole question' }),
    read(CONNECTION, PIECE, { why: 'and the answer' }),
  )
  const rest = await box.shim.run(Array.from({ length: READS - 1 }, () => read(CONNECTION, PIECE)))
  await box.step(close(CONNECTION, { why: 'one connection for one question: so it was asked for' }))
  return answered([...results, ...rest])
}

/** The same as one act. */
export async function ask(box: Box, place: string, text: string, title = text.split(' HTTP/', 1)[0] ?? ''): Promise<Answer> {
  const reads = Array.from({ length: READS }, () => read(CONNECTION, PIECE))
  return answered(await box.together(title, [...knock(place), write(CONNECTION, text), ...reads, close(CONNECTION)]))
}

function answered(results: readonly Result[]): Answer {
  const reads = results.filter(({ step }) => step.call === 'read')
  const answer = parseAnswer(
    Buffer.concat(reads.map(({ ret, outs: [bytes] }) => bytes?.subarray(0, Math.max(0, Number(ret))) ?? Buffer.alloc(0))),
  )
  if (answer.status === undefined || reads.at(-1)?.ret !== 0n)
    throw new DrydockError('the engine’s answer is longer than this scene expects')
  return answer
}

/** A whole answer, up to the end of its connection. What is no HTTP has no status. */
export function parseAnswer(text: string | Buffer): Answer {
  const all = Buffer.from(text)
  const end = all.indexOf('\r\n\r\n')
  const [first = '', ...lines] = all.toString('latin1', 0, Math.max(0, end)).split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1]
  if (end < 0 || status === undefined) return { status: undefined, headers: {}, body: undefined, bytes: Buffer.alloc(0) }
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const bytes = bodyOf(all.subarray(end + 4), headers)
  return { status: Number(status), headers, body: bytes.toString(), bytes }
}

function bodyOf(rest: Buffer, headers: Readonly<Record<string, string>>): Buffer {
  if (headers['transfer-encoding'] === 'chunked') return unchunked(rest)
  const length = headers['content-length']
  return length === undefined ? rest : rest.subarray(0, Number(length))
}

/** RFC 9112, 7.1: a size in hexadecimal digits on a line, so many bytes, an end of line; the last size is 0. */
function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (line < 0 || !(size > 0)) return Buffer.concat(parts)
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
