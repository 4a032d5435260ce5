/**
 * What stands in `Authorization`. The registry says how in its answer 401; for a bearer token one goes to the token server that it names:
 *
 *     registry      401, WWW-Authenticate: Bearer realm="https://auth.example.com/token",service="registry"
 *     token server  GET realm?service=…&scope=repository:library/ubuntu:pull     (Basic, when there is a user), or
 *                   POST realm, grant_type=refresh_token                          (when there is an identity token)
 *                   200 {"token": …} or {"access_token": …, "expires_in": seconds}
 *     registry      Authorization: Bearer …
 *
 * Docker's token and oauth2 specifications (distribution/docs/content/spec/auth). The token server may be another host: Docker Hub's is. Credentials
 * go to whatever the registry that they are for names, as Docker and containerd do; but over plain HTTP only when that registry is an insecure
 * one, and never to a server that a request was redirected to (CVE-2020-15157).
 */
import { type Challenge, parseChallenges } from './challenge.js'
import type { Credentials } from './credentials.js'
import { errorOf, RegistryError, readable } from './errors.js'
import type { HttpClient, HttpRequest, HttpResponse } from './http.js'
import { type RetryOptions, withRetries } from './retry.js'

/** What servers see as the client's name. */
const CLIENT = 'drydock'
const LONGEST_TOKEN_ANSWER = 256 * 1024
/** A token without an expiry lives as long (token specification): seconds. */
const SHORTEST_LIFE = 60

interface Token {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface AuthorizerOptions extends RetryOptions {
  readonly http: HttpClient
  readonly credentials: () => Promise<Credentials | undefined>
  /** Credentials may go over plain HTTP. */
  readonly insecure: boolean
}

export class Authorizer {
  readonly #options: AuthorizerOptions
  readonly #tokens = new Map<string, Promise<Token>>()
  #challenges: readonly Challenge[] = []
  #credentials: Promise<Credentials | undefined> | undefined
  /** For whom one logs in: ask for a token that lasts, too. */
  #identityToken: string | undefined

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** What the registry asks for, from an answer 401. Tokens that were got before are forgotten. */
  challenged(header: string | undefined): void {
    this.#challenges = parseChallenges(header)
    this.#tokens.clear()
  }

  /** Nobody can be asked for more than has been tried, when this is false. */
  get asksForSomething(): boolean {
    return this.#challenge('bearer') !== undefined || this.#challenge('basic') !== undefined
  }

  /** The header for these scopes (`repository:library/ubuntu:pull`); undefined when the registry asks for nothing. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    const bearer = this.#challenge('bearer')
    if (bearer) return `Bearer ${await this.#token(bearer, scopes)}`
    if (!this.#challenge('basic')) return undefined
    const basic = basicHeader(await this.#who())
    if (!basic) throw new RegistryError('UNAUTHORIZED', 'no basic auth credentials')
    return basic
  }

  /** The token that lasts, when the server gave one: what `docker login` keeps in place of the password. */
  async identityToken(): Promise<string | undefined> {
    const bearer = this.#challenge('bearer')
    if (bearer) await this.#fetch(bearer, [], { offline: true })
    return this.#identityToken
  }

  #challenge(scheme: string): Challenge | undefined {
    return this.#challenges.find((one) => one.scheme === scheme)
  }

  #who(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials()
    return this.#credentials
  }

  async #token(challenge: Challenge, scopes: readonly string[]): Promise<string> {
    const { registryToken } = (await this.#who()) ?? {}
    if (registryToken) return checkedToken(registryToken)
    const key = scopes.join(' ')
    const known = await this.#tokens.get(key)
    if (known && known.expires > Date.now()) return known.token
    // Layers that are fetched at once wait for one token together.
    const fetching = this.#fetch(challenge, scopes, { offline: false })
    this.#tokens.set(key, fetching)
    fetching.catch(() => this.#tokens.delete(key))
    return (await fetching).token
  }

  async #fetch({ parameters }: Challenge, scopes: readonly string[], { offline }: { offline: boolean }): Promise<Token> {
    const realm = parameters.realm && URL.canParse(parameters.realm) ? new URL(parameters.realm) : undefined
    if (realm?.protocol !== 'https:' && realm?.protocol !== 'http:') {
      throw new RegistryError(
        'UNAUTHORIZED',
        `the registry names no token server that could be asked: realm "${readable(parameters.realm)}"`,
      )
    }
    const who = await this.#who()
    if (who && realm.protocol === 'http:' && !this.#options.insecure) {
      throw new RegistryError(
        'UNAUTHORIZED',
        `the token server ${realm.origin} would get the password without TLS, and the registry is not among the insecure ones`,
      )
    }
    realm.username = realm.password = ''
    const request = tokenRequest(realm, { service: parameters.service, scopes, who, offline })
    const response = await withRetries(() => this.#options.http.request(request), this.#options)
    if (response.status !== 200) throw await errorOf(response)
    return this.#read(response)
  }

  async #read(response: HttpResponse): Promise<Token> {
    const text = await response.text(LONGEST_TOKEN_ANSWER)
    const found = parseObject(text)
    const token = found.token || found.access_token
    if (typeof token !== 'string') throw new RegistryError('UNAUTHORIZED', 'authorization server did not include a token in the response')
    if (typeof found.refresh_token === 'string') this.#identityToken = checkedToken(found.refresh_token)
    const seconds = typeof found.expires_in === 'number' ? Math.max(found.expires_in, SHORTEST_LIFE) : SHORTEST_LIFE
    // Our clock and not the server's `issued_at`; and a little earlier, so that none runs out on its way.
    return { token: checkedToken(token), expires: Date.now() + (seconds - 10) * 1000 }
  }
}

interface TokenQuestion {
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly who: Credentials | undefined
  readonly offline: boolean
}

function tokenRequest(realm: URL, { service, scopes, who, offline }: TokenQuestion): HttpRequest {
  if (who?.identityToken) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: who.identityToken, client_id: CLIENT })
    if (service) form.set('service', service)
    if (scopes.length > 0) form.set('scope', scopes.join(' '))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', url: realm, headers, body: Buffer.from(form.toString()) }
  }
  const url = new URL(realm)
  if (service) url.searchParams.append('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (offline) {
    url.searchParams.append('offline_token', 'true')
    url.searchParams.append('client_id', CLIENT)
  }
  if (who?.username) url.searchParams.append('account', who.username)
  const basic = basicHeader(who)
  return { method: 'GET', url, headers: basic ? { authorization: basic } : {} }
}

function basicHeader(who: Credentials | undefined): string | undefined {
  if (!who?.username) return undefined
  return `Basic ${Buffer.from(`${who.username}:${who.password ?? ''}`).toString('base64')}`
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const found = JSON.parse(text ?? '') as unknown
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** It becomes a header's value, where a line's end would begin another header. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new RegistryError('UNAUTHORIZED', 'the token server gave a token that cannot be sent')
}
