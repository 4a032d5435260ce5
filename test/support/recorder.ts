/** An engine that does nothing but remember what it was asked: what a client makes of its flags is seen there. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Asked {
  readonly method: string
  /** Without the version. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  /** JSON where it is some. */
  readonly body: unknown
}

export interface Recorder {
  readonly asked: Asked[]
  close(): Promise<void>
}

/** Answers to everything but pings, by default what a container was made with. */
export type Answer = (asked: Asked) => { readonly status: number; readonly body: unknown }

const CREATED: Answer = ({ path }) =>
  path.endsWith('/create') ? { status: 201, body: { Id: 'c'.repeat(64), Warnings: [] } } : { status: 200, body: {} }

/** Listens at a unix socket. */
export async function record(socket: string, apiVersion: string, answer = CREATED): Promise<Recorder> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url as string, 'http://engine')
    response.setHeader('Api-Version', apiVersion)
    response.setHeader('Ostype', 'linux')
    if (url.pathname.endsWith('/_ping')) return response.end()
    const one: Asked = {
      method: request.method as string,
      path: url.pathname.replace(/^\/v[\d.]+/, ''),
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: parsed(await text(request)),
    }
    asked.push(one)
    const { status, body } = answer(one)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return { asked, close: () => closed(server) }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** What of `b` is otherwise than in `a`: members by their path, `HostConfig.Memory`; gone ones are undefined. */
export function differences(a: object, b: object, path = ''): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [one, other] = [(a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]]
    if (isObject(one) && isObject(other)) Object.assign(found, differences(one, other, `${path}${key}.`))
    else if (JSON.stringify(one) !== JSON.stringify(other)) found[path + key] = other ?? null
    if (!(key in b)) found[path + key] = '(gone)'
  }
  return found
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
