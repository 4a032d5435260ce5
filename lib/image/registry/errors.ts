/** What goes wrong with a registry, in Docker's words: its answers (OCI distribution specification, "Error Codes"), and the way to it. */
import { DrydockError } from '../../kernel/errors.js'
import { familiar, familiarName, type Reference, withDefaultTag } from '../reference.js'
import type { HttpResponse } from './http.js'

/** An answer of a registry that says no. */
export class RegistryError extends DrydockError {
  /** `MANIFEST_UNKNOWN`, `DENIED`, … ; `UNKNOWN` when the answer has none. */
  readonly code: string

  constructor(code: string, message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, { status: 500, ...options })
    this.code = code
  }
}

/** No answer: the network, the name service, TLS, a server that stalls. */
export class TransportError extends DrydockError {
  /** Another try may do better. */
  readonly transient: boolean

  constructor(message: string, options: { transient: boolean; cause?: unknown }) {
    super(message, { status: 500, cause: options.cause })
    this.transient = options.transient
  }
}

/** More than this of an answer that says no is not read: bytes. */
const LONGEST_ERROR = 64 * 1024
const LONGEST_SENTENCE = 1000

/** The error that an answer with a status of 400 or more means. Its body is read, up to a bound, and done with. */
export async function errorOf(response: HttpResponse): Promise<RegistryError> {
  const text = (await response.text(LONGEST_ERROR).catch(() => undefined)) ?? ''
  const challenged = bearerError(response.headers['www-authenticate'])
  if (challenged) return challenged
  const { code, message } = firstError(text) ?? implied(response)
  const words = code.toLowerCase().replaceAll('_', ' ')
  return new RegistryError(code, code === 'HTTP' ? message : `${words}: ${message}`)
}

/** `{"errors":[{"code","message"}]}`, or what some servers send instead: `{"details"}`, `{"message"}`. */
function firstError(text: string): { code: string; message: string } | undefined {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  const { errors, details, message } = (found ?? {}) as { errors?: unknown; details?: unknown; message?: unknown }
  const first = Array.isArray(errors) ? (errors[0] as { code?: unknown; message?: unknown } | undefined) : undefined
  if (typeof first?.code === 'string' && /^[A-Za-z0-9_ -]{1,64}$/.test(first.code)) {
    const code = first.code.toUpperCase()
    return { code, message: readable(first.message) || code.toLowerCase().replaceAll('_', ' ') }
  }
  const said = readable(details) || readable(message)
  return said ? { code: 'UNKNOWN', message: said } : undefined
}

/** The status alone. */
function implied({ status, statusText }: HttpResponse): { code: string; message: string } {
  if (status === 401) return { code: 'UNAUTHORIZED', message: 'authentication required' }
  if (status === 403) return { code: 'DENIED', message: 'requested access to the resource is denied' }
  if (status === 429) return { code: 'TOOMANYREQUESTS', message: 'too many requests' }
  return { code: 'HTTP', message: `received unexpected HTTP status: ${status} ${statusText}`.trim() }
}

/** RFC 6750 section 3.1: Docker Hub's answer for a repository that is not there or not for everybody. */
function bearerError(challenge: string | undefined): RegistryError | undefined {
  const error = /\berror="?(invalid_token|insufficient_scope)\b/.exec(challenge ?? '')?.[1]
  if (error === 'insufficient_scope') return new RegistryError('DENIED', 'denied: requested access to the resource is denied')
  return error === undefined ? undefined : new RegistryError('UNAUTHORIZED', 'unauthorized: authentication required')
}

/** Words of a stranger on our terminal: one line, not too long, no escape sequences. Empty for what is no text. */
export function readable(value: unknown): string {
  if (typeof value !== 'string') return ''
  const line = value.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > LONGEST_SENTENCE ? `${line.slice(0, LONGEST_SENTENCE)}…` : line
}

const CLASSROOM =
  'Everybody behind one address shares this limit. A mirror in the room (--registry-mirror http://HOST:PORT) or a registry of your own (npm run registry) asks once for all; docker login raises the limit.'

/** The same, as Docker says it of this image when it is pulled. */
export function pullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError)) return error
  const name = familiarName(reference)
  const sentence: Record<string, string> = {
    DENIED: `pull access denied for ${name}, repository does not exist or may require 'docker login': ${error.message}`,
    NAME_UNKNOWN: `repository ${name} not found: ${error.message}`,
    MANIFEST_UNKNOWN: `manifest for ${familiar(withDefaultTag(reference))} not found: ${error.message}`,
  }
  const message = sentence[error.code]
  return message ? new RegistryError(error.code, message, { status: 404, cause: error }) : explained(error)
}

/** The same when it is pushed: without the address, where we are not let in. */
export function pushError(error: unknown): unknown {
  return explained(error instanceof RegistryError && error.cause instanceof RegistryError ? error.cause : error)
}

/** With advice, where a person can do something about it. */
function explained(error: unknown): unknown {
  if (!(error instanceof RegistryError) || error.code !== 'TOOMANYREQUESTS') return error
  return new RegistryError(error.code, `${error.message.replace(/[.\s]*$/, '')}. ${CLASSROOM}`, { cause: error })
}

/** Codes of node:tls for a certificate that is not believed, and Go's words for them. */
const UNKNOWN_AUTHORITY = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_SELF_SIGNED|CERT_(UNTRUSTED|REJECTED|SIGNATURE_FAILURE))/

/** What node:http threw, as Go's net/http would say it: `Get "http://…": dial tcp 127.0.0.1:5000: connect: connection refused`. */
export function transportError(thrown: unknown, method: string, url: URL): TransportError {
  // A name with several addresses fails once for each: Node wraps them.
  const cause = (thrown instanceof AggregateError ? thrown.errors.at(-1) : thrown) as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  const code = cause.code ?? ''
  const place =
    cause.address === undefined ? url.host : `${cause.address.includes(':') ? `[${cause.address}]` : cause.address}:${cause.port}`
  const [words, transient] = wordsOf(code, place, url, cause)
  return new TransportError(`${verb(method)} "${url.origin}${url.pathname}": ${words}`, { transient, cause: thrown })
}

/** `GET` as Go's errors have it: `Get`. */
export const verb = (method: string): string => method.charAt(0) + method.slice(1).toLowerCase()

function wordsOf(code: string, place: string, url: URL, cause: Error): [words: string, transient: boolean] {
  if (cause instanceof TransportError) return [cause.message, cause.transient]
  switch (code) {
    case 'ECONNREFUSED':
      return [`dial tcp ${place}: connect: connection refused`, true]
    case 'EHOSTUNREACH':
      return [`dial tcp ${place}: connect: no route to host`, true]
    case 'ENETUNREACH':
      return [`dial tcp ${place}: connect: network is unreachable`, true]
    case 'ETIMEDOUT':
      return [`dial tcp ${place}: i/o timeout`, true]
    case 'ENOTFOUND':
      return [`dial tcp: lookup ${url.hostname}: no such host`, false]
    case 'EAI_AGAIN':
      return [`dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`, true]
    case 'ECONNRESET':
      return [/socket hang up|aborted/.test(cause.message) ? 'unexpected EOF' : 'read: connection reset by peer', true]
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return ['unexpected EOF', true]
    case 'EPIPE':
      return ['write: broken pipe', true]
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [`tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`, false]
    case 'CERT_HAS_EXPIRED':
      return ['tls: failed to verify certificate: x509: certificate has expired or is not yet valid', false]
  }
  if (UNKNOWN_AUTHORITY.test(code)) return ['tls: failed to verify certificate: x509: certificate signed by unknown authority', false]
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return [tlsWords(cause), false]
  if (code.startsWith('HPE_')) return [`net/http: malformed HTTP response (${code})`, false]
  return [readable(cause.message) || code, false]
}

/** OpenSSL's reasons: the first two are those of an answer that begins with other bytes than TLS would. */
function tlsWords({ reason, message }: Error & { reason?: string }): string {
  const why = reason ?? /:([^:]+):[^:]*:\d+:\s*$/.exec(message)?.[1] ?? 'handshake failure'
  return /wrong version number|packet length too long|http request/.test(why)
    ? 'http: server gave HTTP response to HTTPS client (a registry without TLS has to be among the insecure registries)'
    : `remote error: tls: ${readable(why)}`
}
