/** What Node's parser lets pass and is no request of HTTP/1.1 all the same: what two programs could read in two ways is read in none. RFC 9112. */
import type { IncomingMessage } from 'node:http'

export interface Fault {
  readonly status: number
  readonly message: string
}

/** The first that there is. */
export function faultOf({ httpVersion, rawHeaders, headers }: IncomingMessage): Fault | undefined {
  const count = (name: string) => rawHeaders.filter((one, at) => at % 2 === 0 && one.toLowerCase() === name).length
  const hosts = count('host')
  // 3.2
  if (hosts === 0 && httpVersion !== '1.0') return { status: 400, message: 'the request has no Host' }
  if (hosts > 1) return { status: 400, message: 'the request has more than one Host' }
  if (count('content-length') > 1) return { status: 400, message: 'the request has more than one Content-Length' }
  const encoding = headers['transfer-encoding']
  if (encoding === undefined) return undefined
  // 6.1
  if (httpVersion === '1.0') return { status: 400, message: 'HTTP/1.0 has no Transfer-Encoding' }
  if (encoding.trim().toLowerCase() !== 'chunked')
    return { status: 400, message: `the Transfer-Encoding is ${encoding}; a body is chunked, or has a Content-Length` }
  return undefined
}

/** `http://docker/info` is `/info`: a server has to take that form too (3.2.2). */
export const pathIn = (target: string): string => /^https?:\/\/[^/?#]*(\/.*)?$/is.exec(target)?.[1] ?? target
