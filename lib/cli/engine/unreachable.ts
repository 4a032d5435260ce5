/** Why there is no engine where one is looked for, and what can be done about it: docker's sentence, and one more. */
import { DrydockError } from '../../kernel/errors.js'
import type { Endpoint } from './endpoint.js'
import { showHost } from './host.js'

/** There is no connection. */
export class Unreachable extends DrydockError {
  /** Errno or OpenSSL's code. */
  readonly code: string

  constructor(sentence: string, code: string, cause: unknown) {
    super(sentence, { cause })
    this.code = code
  }
}

/** Undefined for an error that is not about the connection. */
export function unreachable(endpoint: Endpoint, error: unknown): Unreachable | undefined {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  const where = showHost(endpoint.host)
  const why = reason(endpoint, code, message)
  if (why === undefined) return undefined
  if (code === 'EACCES')
    return new Unreachable(`permission denied while trying to connect to the Docker daemon socket at ${where}. ${why}`, code, error)
  return new Unreachable(`Cannot connect to the Docker daemon at ${where}. Is the docker daemon running?\n${why}`, code, error)
}

function reason(endpoint: Endpoint, code: string, message: string): string | undefined {
  const { host, tls } = endpoint
  if (tls) {
    const about = certificate(code, message)
    if (about !== undefined) return about
  }
  if (host.kind === 'unix') return SOCKET[code]
  if (host.kind === 'ssh') return undefined
  const name = Object.hasOwn(NETWORK, code) ? NETWORK[code] : undefined
  if (name === undefined) return tls && /^(ERR_SSL|ERR_TLS|EPROTO)/.test(code) ? `The TLS connection failed: ${message}.` : undefined
  return name(host.host, host.port, tls !== undefined)
}

const SOCKET: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such socket: start the engine that listens there, or set DOCKER_HOST (or -H) to where one listens.',
  ECONNREFUSED: 'The socket is there, and nobody listens at it any more (connection refused): start the engine again.',
  EACCES:
    'The socket belongs to somebody else: become a member of the group that owns it, use sudo, or use an engine of your own by leaving DOCKER_HOST unset.',
  ENOTSOCK: 'What is there is no socket.',
  ENOTDIR: 'There is no such socket: a part of its path is no directory.',
  ECONNRESET: 'It hung up without an answer: what listens there may be no engine.',
}

const NETWORK: Readonly<Record<string, (host: string, port: number, tls: boolean) => string>> = {
  ECONNREFUSED: (host, port, tls) =>
    `${host} is there, and nothing listens at its port ${port} (connection refused): start the engine so that it listens at tcp (dockerd -H, drydock daemon -H), or correct the port: usual are 2375 without TLS and 2376 with it${tls ? '' : '; with TLS --tlsverify is needed too'}.`,
  ETIMEDOUT: (host, port) =>
    `${host} does not answer at port ${port} (timeout): the machine may be off, the address wrong, or a firewall may swallow what is sent; try 'ping ${host}'.`,
  EHOSTUNREACH: (host) =>
    `There is no way to ${host} (no route to host): it is off, or not in this network; look at 'ip route get ${host}'.`,
  ENETUNREACH: (host) => `There is no way to the network of ${host} (network is unreachable): look at 'ip route', is this machine online?`,
  ENOTFOUND: (host) => `Nobody knows a machine by the name ${host}: correct the name, use its address, or add it to /etc/hosts.`,
  EAI_AGAIN: (host) =>
    `The name ${host} could not be looked up just now (no name server answers): use its address, or add it to /etc/hosts.`,
  ECONNRESET: (_host, port, tls) =>
    tls
      ? `The other side hung up while TLS was agreed on: it may speak no TLS (then leave DOCKER_TLS_VERIFY, --tls and --tlsverify out), or refuse this client's certificate.`
      : `The other side hung up without an answer: it may expect TLS (then use --tlsverify, and usually port 2376 instead of ${port}), or be no engine at all.`,
}

/** What TLS itself complains about. Codes are Node's and OpenSSL's. */
function certificate(code: string, message: string): string | undefined {
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    /wrong version number|http request/.test(message)
  )
    return 'TLS was spoken to a port that speaks none: leave DOCKER_TLS_VERIFY, --tls and --tlsverify out for it, or use the port with TLS (usually 2376).'
  if (
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_GET_ISSUER_CERT',
    ].includes(code)
  )
    return "The engine's certificate is signed by nobody that this client believes: give the ca.pem of those who made it, by DOCKER_CERT_PATH or --tlscacert."
  if (code === 'CERT_HAS_EXPIRED') return "The engine's certificate has expired: make it a new one; or this machine's clock is wrong."
  if (code === 'CERT_NOT_YET_VALID') return "The engine's certificate is not valid yet: is this machine's clock right?"
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The engine's certificate is for other names than the one used here: use one of them, or make a certificate with this one. (${message.replace(/\.$/, '')})`
  if (/certificate[ _]required|handshake[ _]failure/i.test(`${code} ${message}`))
    return 'The engine wants a certificate of this client: give cert.pem and key.pem, by DOCKER_CERT_PATH or --tlscert and --tlskey.'
  if (/bad[ _]certificate|unknown[ _]ca|certificate[ _]unknown/i.test(`${code} ${message}`))
    return "The engine does not believe this client's certificate: it must be signed by the CA that the engine was given (--tlscacert there)."
  return undefined
}

/** What servers answer that expect TLS and get none: Go's net/http says it in so many words. */
export function expectsTls(endpoint: Endpoint, message: string): Unreachable | undefined {
  if (!/HTTP request to an HTTPS server/i.test(message)) return undefined
  return new Unreachable(
    `Cannot connect to the Docker daemon at ${showHost(endpoint.host)}. Is the docker daemon running?\nIts port expects TLS, and none was spoken: use --tlsverify (or DOCKER_TLS_VERIFY=1) with the certificates in DOCKER_CERT_PATH or ~/.docker.`,
    'EXPECTS_TLS',
    undefined,
  )
}
