/**
 * A port with TLS, and who is let in at it. Whoever is not is told why, in HTTP, before anything that he says is looked at: Node would hang up
 * without a word on a certificate that it does not believe, and on plain HTTP.
 *
 *     first byte 0x16 ──▶ TLS ──▶ a certificate of the authority ──▶ HTTP
 *       │                           └─ none, or another's ──▶ 403, over TLS
 *       └─ any other: plain HTTP ──▶ 400, in words that docker's client knows
 */
import type { Server } from 'node:http'
import { createServer, type Socket, type Server as TcpServer } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'

/** PEM texts. `ca`: whose clients are let in; without it all are. */
export interface Tls {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** The first byte of a TLS record that begins a handshake. RFC 8446, 5.1. */
const HANDSHAKE = 0x16

/** Milliseconds in which a client says its first word, and in which it takes what it is told last. */
const PATIENCE = 30_000

/** As Go's net/http says it to those who speak HTTP to a port with TLS; clients look for these words. */
const PLAIN = 'Client sent an HTTP request to an HTTPS server.'

/** Listen with the server that is returned; `http` gets the connections of those who are let in. `refused` hears of the others, a sentence each. */
export function secured(http: Server, { cert, key, ca }: Tls, refused: (sentence: string) => void): TcpServer {
  const verified = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: false }
  const tls = createTlsServer({ cert, key, ...verified, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] })
  tls.on('secureConnection', (socket) => {
    const reason = ca === undefined ? undefined : reasonAgainst(socket)
    if (reason === undefined) return void http.emit('connection', socket)
    refused(`${socket.remoteAddress} is not let in: ${reason.short}`)
    // Not before it has asked: a client of Go's would call that unsolicited.
    socket.once('data', () => dismiss(socket, 'HTTP/1.1 403 Forbidden', 'application/json', JSON.stringify({ message: reason.whole })))
    socket.on('error', () => undefined)
    socket.once('end', () => socket.destroy())
    socket.setTimeout(PATIENCE, () => socket.destroy())
  })
  tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code !== 'ECONNRESET') refused(`no TLS with ${socket.remoteAddress}: ${explain(error)}`)
    socket.destroy()
  })
  const front = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const quiet = () => undefined
    socket.on('error', quiet)
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (first === null) return void socket.destroy()
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      if (first[0] === HANDSHAKE) {
        socket.off('error', quiet)
        socket.unshift(first)
        tls.emit('connection', socket)
        return
      }
      refused(`${socket.remoteAddress} is not let in: it speaks no TLS`)
      dismiss(socket, 'HTTP/1.0 400 Bad Request', 'text/plain', `${PLAIN}\n`)
    })
  })
  // A server of HTTP looks for heads that never end from the moment on at which it listens; this one is only given connections.
  front.once('listening', () => http.emit('listening'))
  front.once('close', () => http.close())
  return front
}

interface Reason {
  /** For the engine's log. */
  readonly short: string
  /** For the client. */
  readonly whole: string
}

function reasonAgainst(socket: TLSSocket): Reason | undefined {
  if (socket.authorized) return undefined
  const wanted = 'this engine lets in those whose certificate its authority has signed'
  if (Object.keys(socket.getPeerCertificate() ?? {}).length === 0) {
    const how = 'give cert.pem and key.pem, by DOCKER_CERT_PATH or --tlscert and --tlskey'
    return { short: 'it has shown no certificate', whole: `${wanted}, and none was shown: ${how}` }
  }
  const code = String(socket.authorizationError)
  const why = AGAINST[code] ?? `does not do (${code})`
  return { short: `its certificate ${why}`, whole: `${wanted}, and the one that was shown ${why}` }
}

const SIGNED_BY_ANOTHER = 'is of another'

const AGAINST: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet: is the clock right on both sides?',
  INVALID_PURPOSE: 'is not for clients',
  SELF_SIGNED_CERT_IN_CHAIN: SIGNED_BY_ANOTHER,
  DEPTH_ZERO_SELF_SIGNED_CERT: SIGNED_BY_ANOTHER,
  UNABLE_TO_GET_ISSUER_CERT: SIGNED_BY_ANOTHER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: SIGNED_BY_ANOTHER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: SIGNED_BY_ANOTHER,
  CERT_SIGNATURE_FAILURE: SIGNED_BY_ANOTHER,
}

/** The client says by an alert what it does not like of us. RFC 8446, 6.2. */
function explain({ code, message }: NodeJS.ErrnoException): string {
  const words = `${code} ${message}`
  if (/unknown[ _]ca/i.test(words)) return 'it does not know the authority of this engine’s certificate'
  if (/bad[ _]certificate|certificate[ _](unknown|expired)/i.test(words)) return 'it does not believe this engine’s certificate'
  return message.replace(/^.*?:(?=[^:]*$)/s, '').trim() || words
}

/** The answer, and then the end. What it says meanwhile is thrown away: who closes with unread bytes takes the answer back. */
function dismiss(socket: Socket, status: string, type: string, body: string): void {
  socket.on('error', () => undefined)
  socket.setTimeout(PATIENCE, () => socket.destroy())
  socket.resume()
  socket.once('end', () => socket.destroy())
  socket.end(`${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}
