/** What can be wrong with the answers of a registry. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a well-behaved registry would say now. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The whole blob or manifest, when the body is a part of it. */
  readonly whole?: Buffer
}

export type Fault = (response: ServerResponse, answer: Answer, request: IncomingMessage) => void

export const faults = {
  /** The head, so many bytes, and the connection is gone. */
  breakAfter:
    (bytes: number): Fault =>
    (response, { status, headers, body }) => {
      response.writeHead(status, { ...headers, 'content-length': body.length })
      response.write(body.subarray(0, bytes), () => setImmediate(() => response.destroy()))
    },
  /** So many bytes of it, and an orderly end. */
  endAfter:
    (bytes: number): Fault =>
    (response, { status, headers, body }) => {
      response.writeHead(status, headers)
      response.end(body.subarray(0, bytes))
    },
  /** So many bytes, and then nothing, on a connection that stays. */
  stallAfter:
    (bytes: number): Fault =>
    (response, { status, headers, body }) => {
      response.writeHead(status, { ...headers, 'content-length': body.length })
      response.write(body.subarray(0, bytes))
    },
  /** No answer at all, on a connection that stays. */
  silence: (): Fault => () => undefined,
  /** No answer at all: the connection is gone. */
  hangUp: (): Fault => (response) => response.destroy(),
  /** Bytes without end after the right ones. */
  endless:
    (): Fault =>
    (response, { status, headers, body }) => {
      response.writeHead(status, headers)
      response.write(body)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    },
  /** As many bytes as there should be, and one of them is another. */
  corrupt: (): Fault => (response, answer, request) => {
    const body = Buffer.from(answer.body)
    body[0] = (body[0] ?? 0) ^ 1
    send(response, { ...answer, body }, request.method ?? '')
  },
  /** Something else altogether, said to be it. */
  replace:
    (body: Buffer, headers: Record<string, string> = {}): Fault =>
    (response, answer, request) =>
      send(response, { ...answer, headers: { ...answer.headers, ...headers }, body }, request.method ?? ''),
  /** The whole, from its beginning, whatever part was asked for. */
  ignoreRange: (): Fault => (response, answer, request) => {
    const { 'content-range': _, ...headers } = answer.headers
    send(response, { status: 200, headers, body: answer.whole ?? answer.body }, request.method ?? '')
  },
  /** Another status, with headers (`retry-after`) and a body of JSON or text. */
  status:
    (status: number, headers: Record<string, string> = {}, body: unknown = ''): Fault =>
    (response, _, request) =>
      send(response, { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }, request.method ?? ''),
  /** Elsewhere: the same path of another server, or an address in full. */
  redirect:
    (to: string, status = 307): Fault =>
    (response, _, request) =>
      send(
        response,
        { status, headers: { location: /^https?:\/\/[^/]+$/.test(to) ? `${to}${request.url}` : to }, body: Buffer.alloc(0) },
        '',
      ),
}

export function send(response: ServerResponse, { status, headers, body }: Answer, method: string): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}
