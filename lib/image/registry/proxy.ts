/**
 * A proxy on the way out, as most programs and dockerd take it from the environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in upper or lower case. What Go's
 * golang.org/x/net/http/httpproxy does with them.
 */
import { request } from 'node:http'
import { type AgentOptions, Agent as TlsAgent } from 'node:https'
import { BlockList, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls'
import { readable, TransportError } from './errors.js'

/** For a tunnel: milliseconds. */
const LONGEST_WAIT = 30_000

type Environment = Readonly<Record<string, string | undefined>>

/** The proxy for an address; undefined for what is asked directly: loopback, what NO_PROXY names, and everything when no proxy is named. */
export function proxyFor({ protocol, hostname, port }: URL, environment: Environment = process.env): URL | undefined {
  const value = (name: string) => environment[name] || environment[name.toLowerCase()] || ''
  const named = value(protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (!named) return undefined
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === 'localhost' || isLoopback(host)) return undefined
  const reached = `${port || (protocol === 'https:' ? 443 : 80)}`
  if (
    value('NO_PROXY')
      .split(',')
      .some((entry) => covers(entry.trim().toLowerCase(), host, reached))
  )
    return undefined
  const proxy = named.includes('://') ? named : `http://${named}`
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined
  if (url?.protocol !== 'http:') {
    throw new TransportError(`proxyconnect: the proxy ${url?.host ?? named} is no http:// proxy, and others are not supported`, {
      transient: false,
    })
  }
  return url
}

/** Name and password in the proxy's address, as it wants them. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (!username) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** TLS to a host through a tunnel that the proxy makes: `CONNECT host:port`. RFC 9110 section 9.3.6. */
export class TunnelAgent extends TlsAgent {
  readonly #proxy: URL

  constructor(proxy: URL, options: AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(options: ConnectionOptions, callback?: (error: Error | null, socket: Duplex) => void): undefined {
    // What Node gives takes an error alone.
    const done = callback as (error: Error | null, socket?: Duplex) => void
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
    const headers = { host: target, ...proxyAuthorization(this.#proxy) }
    const { hostname, port } = this.#proxy
    const tunnel = request({
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || 80,
      method: 'CONNECT',
      path: target,
      headers,
      agent: false,
    })
    tunnel.once('error', (error) => done(error))
    tunnel.setTimeout(LONGEST_WAIT, () => tunnel.destroy(new TransportError('proxyconnect tcp: i/o timeout', { transient: true })))
    tunnel.once('connect', (response, socket: Socket) => {
      socket.setTimeout(0)
      if (response.statusCode === 200) return done(null, tlsConnect({ ...options, socket }))
      socket.destroy()
      done(new TransportError(`proxyconnect tcp: ${response.statusCode} ${readable(response.statusMessage)}`, { transient: false }))
    })
    tunnel.end()
  }
}

/** `*`; a host, with or without port; a domain (`example.com` and `.example.com` cover what is below); an address; a network. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  const [, network, length] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? []
  if (network && isIP(network)) return isIP(host) !== 0 && within(host, network, Number(length))
  const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) ? `${entry}:${port}` : entry) ?? []
  if (only !== undefined && only !== port) return false
  const domain = name.replace(/^\*?\./, '').replace(/^\[(.*)\]$/, '$1')
  return (host === domain && !/^\*?\./.test(name)) || (isIP(host) === 0 && host.endsWith(`.${domain}`))
}

function within(address: string, network: string, length: number): boolean {
  const most = isIP(network) === 6 ? 128 : 32
  if (length > most) return false
  const list = new BlockList()
  list.addSubnet(network, length, isIP(network) === 6 ? 'ipv6' : 'ipv4')
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const isLoopback = (host: string): boolean =>
  (isIP(host) === 4 && within(host, '127.0.0.0', 8)) || (isIP(host) === 6 && within(host, '::1', 128))
