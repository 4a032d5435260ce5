/** Who may do what at the registry of the tests: nobody is asked, a password is asked for, or a token that a token server gives. */
import { randomBytes } from 'node:crypto'
import type { Answer } from './registry-faults.js'
import { type Asked, refuse, say } from './registry-server.js'

export type Auth = BasicAuth | BearerAuth

export interface BasicAuth {
  readonly kind: 'basic'
  readonly user: string
  readonly password: string
}

export interface BearerAuth {
  readonly kind: 'bearer'
  readonly user?: string
  readonly password?: string
  /** Who names nobody gets a token all the same, to pull. */
  readonly anonymous: boolean
  /** Where tokens are to be had: `/token` of the registry itself by default, or another server's. */
  readonly realm?: string
  /** Key of the token in the answer. */
  readonly field: 'token' | 'access_token'
  /** What is taken in place of a password, and given to who asks for a token that lasts. */
  readonly identityToken?: string
  /** Seconds. */
  readonly expiresIn?: number
  /** Tokens in force, shared by a registry and its token server. */
  readonly tokens: Map<string, string[]>
}

export const basicAuth = (user: string, password: string): BasicAuth => ({ kind: 'basic', user, password })

export const bearerAuth = (options: Partial<Omit<BearerAuth, 'kind'>> = {}): BearerAuth => ({
  kind: 'bearer',
  anonymous: options.user === undefined,
  field: 'token',
  tokens: new Map(),
  ...options,
})

export class Gate {
  readonly #auth: Auth | undefined
  readonly tokens: Map<string, string[]>

  constructor(auth: Auth | undefined) {
    this.#auth = auth
    this.tokens = auth?.kind === 'bearer' ? auth.tokens : new Map()
  }

  /** A token, when it is asked for one; a no; or nothing: let it pass. */
  answer(asked: Asked, url: URL): Answer | undefined {
    const auth = this.#auth
    if (!auth) return undefined
    if (auth.kind === 'basic') {
      const header = { 'www-authenticate': 'Basic realm="harbour"' }
      return asked.headers.authorization === basic(auth) ? undefined : refuse(401, 'UNAUTHORIZED', 'authentication required', header)
    }
    return url.pathname === '/token' ? this.#token(auth, asked, url) : this.#checkToken(auth, asked, url)
  }

  #checkToken(auth: BearerAuth, { method, headers }: Asked, url: URL): Answer | undefined {
    const scopes = this.tokens.get(headers.authorization?.replace(/^Bearer /, '') ?? '')
    const [, repository] = /^\/v2\/(.+)\/(?:blobs|manifests)\//.exec(url.pathname) ?? []
    const action = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
    const granted = scopes?.some((scope) => {
      const [, name, actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? []
      return name === repository && actions.split(',').includes(action)
    })
    if (scopes && (granted || repository === undefined)) return undefined
    const realm = auth.realm ?? `${url.origin}/token`
    const challenge = `Bearer realm="${realm}",service="harbour"${scopes ? ',error="insufficient_scope"' : ''}`
    return refuse(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge })
  }

  #token(auth: BearerAuth, asked: Asked, url: URL): Answer {
    const form = new URLSearchParams(asked.method === 'POST' ? asked.body.toString() : url.search)
    const isUser = auth.user !== undefined && asked.headers.authorization === basic({ user: auth.user, password: auth.password ?? '' })
    const isKnown = asked.method === 'POST' ? form.get('refresh_token') === auth.identityToken : isUser
    const isNobody = asked.method === 'GET' && asked.headers.authorization === undefined
    if (!isKnown && !(isNobody && auth.anonymous)) return refuse(401, 'UNAUTHORIZED', 'incorrect username or password')
    const wanted = form.getAll('scope').flatMap((scope) => scope.split(' '))
    const scopes = isKnown ? wanted : wanted.map((scope) => scope.replace(/:[a-z,]+$/, ':pull'))
    const token = randomBytes(12).toString('hex')
    this.tokens.set(token, scopes)
    return say(200, {
      [auth.field]: token,
      ...(auth.expiresIn !== undefined && { expires_in: auth.expiresIn }),
      ...(form.get('offline_token') && auth.identityToken && { refresh_token: auth.identityToken }),
    })
  }
}

const basic = ({ user, password }: { user: string; password: string }) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
