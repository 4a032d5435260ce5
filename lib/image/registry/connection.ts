/** One registry or mirror that answers, spoken to with patience and with the right to speak. */

import { DOCKER_HUB } from '../reference.js'
import { Authorizer } from './authorizer.js'
import type { RegistryConfig } from './config.js'
import { isInsecure } from './config.js'
import type { Credentials } from './credentials.js'
import { errorOf, RegistryError, TransportError, verb } from './errors.js'
import type { HttpClient, HttpRequest, HttpResponse } from './http.js'
import { NO_PATIENCE, type Patience, type RetryOptions, withRetries } from './retry.js'

/** Where docker.io really is. */
const HUB_HOST = 'registry-1.docker.io'

/** Somebody to ask for an image: the registry itself, or a mirror of it. */
export interface Source {
  /** For whom credentials are kept: `docker.io`, `localhost:5000`. */
  readonly domain: string
  /** To be tried in this order; the first that speaks is it. */
  readonly bases: readonly URL[]
  readonly insecure: boolean
}

/** In the order in which they are asked: mirrors (of Docker Hub only, as Docker has it), then the registry. */
export async function sourcesOf(domain: string, config: RegistryConfig): Promise<Source[]> {
  const mirrors = domain === DOCKER_HUB ? config.mirrors : []
  return [...(await Promise.all(mirrors.map((mirror) => mirrorSource(new URL(mirror), config)))), await originSource(domain, config)]
}

export async function originSource(domain: string, config: RegistryConfig): Promise<Source> {
  const host = domain === DOCKER_HUB ? HUB_HOST : domain
  const insecure = domain !== DOCKER_HUB && (await isInsecure(domain, config))
  // HTTPS first, also where HTTP is allowed.
  return { domain, bases: [new URL(`https://${host}/`), ...(insecure ? [new URL(`http://${host}/`)] : [])], insecure }
}

async function mirrorSource(mirror: URL, config: RegistryConfig): Promise<Source> {
  // Who configures http:// has decided.
  const insecure = mirror.protocol === 'http:' || (await isInsecure(mirror.host, config))
  return { domain: mirror.host, bases: [new URL(`${mirror.href.replace(/\/$/, '')}/`)], insecure }
}

/** A request by its path below `/v2/`, or by the address that the registry gave. */
export interface Ask extends Omit<HttpRequest, 'url'> {
  readonly at: string | URL
  readonly scopes: readonly string[]
  /** False: what fails is the caller's to try again. */
  readonly retry?: boolean
}

export interface ConnectionOptions extends RetryOptions {
  readonly http: HttpClient
  readonly credentials: (domain: string) => Promise<Credentials | undefined>
}

export class Connection {
  readonly #base: URL
  readonly #authorizer: Authorizer
  readonly options: ConnectionOptions

  private constructor(base: URL, source: Source, options: ConnectionOptions) {
    this.#base = base
    this.options = options
    const { http, patience, signal, onWait } = options
    const credentials = () => options.credentials(source.domain)
    this.#authorizer = new Authorizer({ http, patience, signal, onWait, credentials, insecure: source.insecure })
  }

  /** Ask `/v2/`: which of its addresses answers, and how one has to authenticate. Throws what the last one threw. */
  static async open(source: Source, options: ConnectionOptions): Promise<Connection> {
    for (const [index, base] of source.bases.entries()) {
      const connection = new Connection(base, source, options)
      const last = index === source.bases.length - 1
      try {
        await connection.#ping(last ? options.patience : NO_PATIENCE)
        return connection
      } catch (error) {
        if (last || !(error instanceof TransportError)) throw error
      }
    }
    throw new Error('a source without an address')
  }

  get base(): URL {
    return new URL('v2/', this.#base)
  }

  async #ping(patience: Patience): Promise<void> {
    const send = () =>
      this.options.http.request({ method: 'GET', url: this.base }).catch((error: TransportError) => {
        // Where nobody listens, or no TLS is spoken, nobody is waited for; a registry that has answered once gets the time to start again.
        const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
        throw code === 'ECONNREFUSED' ? new TransportError(error.message, { transient: false, cause: error.cause }) : error
      })
    const response = await withRetries(send, { ...this.options, patience })
    if (response.status === 401 && response.url.origin === this.#base.origin)
      this.#authorizer.challenged(response.headers['www-authenticate'])
    if (response.status === 429 || response.status >= 500) throw await errorOf(response)
    await response.discard()
  }

  /** Send, and give whatever answer comes in the end. */
  async send(ask: Ask): Promise<HttpResponse> {
    const once = () => this.#authorized(ask)
    return ask.retry === false ? once() : withRetries(once, this.options)
  }

  async #authorized(ask: Ask): Promise<HttpResponse> {
    const url = new URL(ask.at, this.base)
    const authorization = await this.#header(ask.method, url, ask.scopes)
    const first = await this.#once(ask, url, authorization)
    // Only the registry itself may ask who we are: not where it redirects to, not where it has uploads go.
    if (first.status !== 401 || first.url.origin !== this.#base.origin) return first
    const challenge = first.headers['www-authenticate']
    // A token that the registry knows and finds too narrow: another one would be as narrow.
    if (authorization && /\berror="?insufficient_scope/.test(challenge ?? '')) return first
    this.#authorizer.challenged(challenge)
    if (!this.#authorizer.asksForSomething) return first
    await first.discard()
    return this.#once(ask, url, await this.#header(ask.method, url, ask.scopes))
  }

  #once({ method, headers, body }: Ask, url: URL, authorization: string | undefined): Promise<HttpResponse> {
    return this.options.http.request({
      method,
      url,
      headers: { ...headers, ...(authorization && { authorization }) },
      ...(body && { body }),
    })
  }

  async #header(method: string, url: URL, scopes: readonly string[]): Promise<string | undefined> {
    // An upload may go to another host: that one is not told who we are.
    if (url.origin !== this.#base.origin) return undefined
    try {
      return await this.#authorizer.header(scopes)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      throw new RegistryError(error.code, `${verb(method)} "${url.origin}${url.pathname}": ${error.message}`, { cause: error })
    }
  }

  /** See that one is let in: `/v2/` with credentials. The identity token, when the server gives one. */
  async login(): Promise<string | undefined> {
    const identityToken = await this.#identityToken()
    const response = await this.#authorized({ method: 'GET', at: '', scopes: [] })
    if (response.status === 200) {
      await response.discard()
      return identityToken
    }
    await response.discard()
    const status = `${response.status} ${response.statusText}`.trim()
    throw new RegistryError('UNAUTHORIZED', `login attempt to ${this.base.href} failed with status: ${status}`, { status: 401 })
  }

  async #identityToken(): Promise<string | undefined> {
    try {
      return await this.#authorizer.identityToken()
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      throw new RegistryError(error.code, `Get "${this.base.href}": ${error.message}`, { status: 401, cause: error.cause })
    }
  }
}
