/** A workshop's server on a port of the loopback, with what it shows given by the test; requests to it as a browser, a learner or a stranger makes them. */
import { createServer as createHttp, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { emptyPicture } from '../../lib/picture/delta.js'
import type { HostView, Picture } from '../../lib/picture/types.js'
import type { LearnerReport } from '../../lib/trace/report.js'
import type { LiveEvent } from '../../lib/workshop/protocol.js'
import { Room } from '../../lib/workshop/room.js'
import { createServer, type WorkshopParts } from '../../lib/workshop/server.js'
import { until } from './waiting.js'

export const HOST: HostView = {
  hostname: 'box',
  kernel: '6.1.0',
  cgroups: 'v2',
  processors: 2,
  memory: { total: 2 ** 31, available: 2 ** 30 },
  load: [0, 0, 0],
  reader: 0,
  namespaces: {},
  missing: [],
}

export interface OpenServer {
  readonly port: number
  readonly room: Room
  /** What the server has complained of. */
  readonly log: string[]
  close(): Promise<void>
}

/** Nothing recorded and nothing to see, where the test does not say otherwise. */
export async function openServer(parts: Partial<WorkshopParts> = {}): Promise<OpenServer> {
  const room = parts.room ?? new Room()
  const log: string[] = []
  const server = await createServer({
    page: { script: 'void 0', style: 'body{}' },
    picture: async (): Promise<Picture> => emptyPicture(HOST, Date.now()),
    elsewhere: () => 0,
    rest: async () => undefined,
    traces: { list: () => [], read: () => undefined, follow: () => undefined },
    door: { names: [] },
    open: parts.joinUrl !== undefined,
    log: (words) => log.push(words),
    ...parts,
    room,
  })
  const http = createHttp(server.answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    room,
    log,
    close: async () => {
      await server.close()
      await new Promise((resolve) => {
        http.close(resolve)
        http.closeAllConnections()
      })
    },
  }
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function send(port: number, path: string, { method = 'GET', headers = {}, body }: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, resolve)
    asked.on('error', reject)
    asked.end(body)
  })
}

export async function ask(port: number, path: string, asked: Asked = {}): Promise<Answered> {
  const answer = await send(port, path, asked)
  let body = ''
  for await (const part of answer.setEncoding('utf8')) body += part
  return { status: answer.statusCode ?? 0, headers: answer.headers, body }
}

export const report = (port: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  ask(port, '/room/report', { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })

/** A report that is as it should be. */
export const aReport = (room: string, changes: Partial<LearnerReport> = {}): LearnerReport => ({
  version: 1,
  id: '0123456789abcdef',
  name: 'Ada',
  room,
  lesson: { number: 5, title: 'A network of one’s own' },
  scene: { index: 1, of: 7, heading: 'A cable' },
  exercises: [{ id: 'bridge', title: 'A bridge for three', state: 'stuck', saw: 'b has no address', tries: 3 }],
  left: false,
  ...changes,
})

export interface SeenEvent {
  readonly kind: string
  readonly id?: string
  readonly data: unknown
}

export interface Stream {
  readonly status: number
  readonly events: readonly SeenEvent[]
  /** The first event that is so, once it has come. */
  find(is: (event: SeenEvent) => boolean): Promise<SeenEvent>
  /** Has the server shown us out? */
  readonly ended: Promise<void>
  /** Read no more. */
  pause(): void
  close(): void
}

/** A page that listens. */
export async function listenTo(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  const answer = await send(port, path, { headers })
  const events: SeenEvent[] = []
  const listeners = new Set<() => void>()
  let rest = ''
  answer.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    events.push(...parts.flatMap(readEvent))
    for (const listener of listeners) listener()
  })
  const ended = new Promise<void>((resolve) => {
    answer.on('error', () => resolve()).on('close', () => resolve())
  })
  return {
    status: answer.statusCode ?? 0,
    events,
    find: async (is) => {
      await until(
        listeners,
        () => events.some(is),
        20_000,
        () => new Error(`it has not come; there were: ${events.map(({ kind }) => kind).join(', ')}`),
      )
      return events.find(is) as SeenEvent
    },
    ended,
    pause: () => void answer.pause(),
    close: () => void answer.destroy(),
  }
}

/** Comments and `retry:` are no events. */
function readEvent(text: string): SeenEvent[] {
  const fields = new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+): ?(.*)$/s.exec(line) ?? []
      return name === undefined ? [] : [[name, value as string] as const]
    }),
  )
  const data = fields.get('data')
  if (data === undefined) return []
  const id = fields.get('id')
  return [{ kind: fields.get('event') ?? 'message', ...(id !== undefined && { id }), data: JSON.parse(data) }]
}

export type DataOf<Kind extends LiveEvent['kind']> = Omit<Extract<LiveEvent, { kind: Kind }>, 'kind'>
