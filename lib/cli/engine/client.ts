/** An engine that answers: dockerode, with Docker's own words for what goes wrong. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type Dockerode from 'dockerode'
import { DrydockError } from '../../kernel/errors.js'
import { VERSION } from '../../kernel/version.js'
import { Dial } from './dial.js'
import type { Endpoint } from './endpoint.js'
import { expectsTls, unreachable } from './unreachable.js'

/** The newest API that this client knows, and what an engine speaks that does not say. */
export const NEWEST = '1.47'
const OLDEST = '1.24'
/** Who asks. */
const NAMED = { 'User-Agent': `drydock/${VERSION}` }

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Query
  /** JSON, or bytes as they are. */
  readonly body?: object | NodeJS.ReadableStream
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Server {
  readonly apiVersion: string
  readonly os: string
}

/** What the engine refused: its status and its own sentence, with docker's words in front. */
export class EngineError extends DrydockError {
  /** The engine's sentence alone. */
  readonly said: string

  constructor(said: string, status: number) {
    super(`Error response from daemon: ${said}`, { status })
    this.said = said
  }
}

export class Engine {
  readonly docker: Dockerode
  readonly endpoint: Endpoint
  #server: Server | undefined

  private constructor(docker: Dockerode, endpoint: Endpoint) {
    this.docker = docker
    this.endpoint = endpoint
  }

  /** Rejects with Unreachable when nobody answers. DOCKER_API_VERSION decides the version, otherwise the two sides agree on one. */
  static async open(endpoint: Endpoint): Promise<Engine> {
    const { default: Docker } = await import('dockerode')
    // Where the socket is only the agent knows; a path given here keeps docker-modem from resolving URLs.
    const options = { socketPath: '/', agent: new Dial(endpoint), headers: NAMED }
    const docker = withoutVariables(() => new Docker(options as Dockerode.DockerOptions))
    const engine = new Engine(docker, endpoint)
    await engine.#agree()
    return engine
  }

  /** What the two sides have agreed on. */
  get server(): Server {
    return this.#server as Server
  }

  /** Is the API of the engine at least so new? */
  atLeast(version: string): boolean {
    return compareVersions(this.server.apiVersion, version) >= 0
  }

  container(word: string): Dockerode.Container {
    return this.docker.getContainer(escaped(word, 'container'))
  }

  /** Names of images keep their slashes and colons. */
  image(name: string): Dockerode.Image {
    return this.docker.getImage(escaped(name, 'image').replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@'))
  }

  network(word: string): Dockerode.Network {
    return this.docker.getNetwork(escaped(word, 'network'))
  }

  volume(name: string): Dockerode.Volume {
    return this.docker.getVolume(escaped(name, 'volume'))
  }

  /** What dockerode answers. 304 (it is so already) is no error; an empty answer, and null, is null. */
  async ask<T>(answer: Promise<T>): Promise<T> {
    try {
      const found = await answer
      return Buffer.isBuffer(found) ? (null as T) : found
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /** What dockerode has no method for, or loses a part of. */
  call<T>(request: Request): Promise<T> {
    return this.ask(this.#dial<T>(request, {}))
  }

  /** Resolves as soon as the engine has answered by its headers; the body is still to come. */
  stream(request: Request): Promise<IncomingMessage> {
    return this.ask(this.#dial<IncomingMessage>(request, { isStream: true }))
  }

  /** A connection that becomes the streams of a container: both directions are ended on their own. */
  async hijack({ body, headers, ...request }: Request & { readonly body?: object }): Promise<Duplex> {
    // Without a body docker-modem would send an empty chunk, and an engine that has hijacked the connection early takes that for input.
    const nothing = body === undefined && { file: Buffer.alloc(0) }
    const asked = body === undefined ? { headers: { 'Content-Type': 'text/plain', ...headers } } : { body, ...(headers && { headers }) }
    const stream = await this.ask(this.#dial<Duplex>({ ...request, ...asked }, { isStream: true, hijack: true, ...nothing }))
    // What stands between may not let connections change their nature.
    if (!stream.writable)
      throw new DrydockError('unable to upgrade to tcp, received 200: something on the way to the engine lets no connection be taken over')
    return stream
  }

  async #agree(): Promise<void> {
    const pinged = await this.stream({ method: 'HEAD', path: '/_ping' }).catch((error: unknown) => {
      // What does not know HEAD is asked again; and a refusal has words only then.
      if (!(error instanceof EngineError)) throw error
      return this.stream({ method: 'GET', path: '/_ping' })
    })
    // The connection is free for the next request only when this answer is over.
    pinged.resume()
    await finished(pinged)
    const { 'api-version': api, ostype } = pinged.headers as Record<string, string | undefined>
    const theirs = api ?? OLDEST
    const agreed = process.env.DOCKER_API_VERSION || (compareVersions(theirs, NEWEST) < 0 ? theirs : NEWEST)
    const { path } = this.endpoint.host.kind === 'tcp' ? this.endpoint.host : { path: '' }
    this.#server = { apiVersion: agreed, os: ostype ?? 'linux' }
    Object.assign(this.docker.modem, { version: `${path.replace(/^\//, '')}${path ? '/' : ''}v${agreed}` })
  }

  #dial<T>({ method, path, query, body, headers, signal }: Request, more: object): Promise<T> {
    const isBytes = body !== undefined && 'pipe' in body
    const options = {
      path: `${path}?`,
      method,
      options: { _query: given(query ?? {}), ...(!isBytes && { _body: body ?? {} }) },
      ...(body !== undefined && !isBytes && { allowEmpty: true }),
      ...(isBytes && { file: body }),
      ...(signal && { abortSignal: signal }),
      statusCodes: ACCEPTED,
      ...more,
      headers: { ...NAMED, ...headers },
    }
    return new Promise((resolve, reject) => {
      this.docker.modem.dial(options, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result as T)))
    })
  }

  #explained(error: unknown): unknown {
    const { statusCode, reason, message = '', json } = error as DockerodeError
    if (statusCode === undefined) return unreachable(this.endpoint, error) ?? error
    const told = (json as { message?: unknown } | null)?.message
    const said = typeof told === 'string' ? told : message.replace(`(HTTP code ${statusCode}) ${reason ?? 'unexpected'} - `, '').trim()
    return expectsTls(this.endpoint, said) ?? new EngineError(said || `status ${statusCode}`, statusCode)
  }
}

/** For a POST of dockerode's that has a query and no body: it would send the one as the other too, and an engine refuses a body with a start. */
export const queryOnly = (query: Query): object => ({ _query: given(query), _body: {} })

const given = (query: Query): object => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))

interface DockerodeError extends Error {
  readonly statusCode?: number
  readonly reason?: string
  readonly json?: unknown
}

const ACCEPTED: Readonly<Record<number, true>> = { 101: true, 200: true, 201: true, 202: true, 204: true, 304: true }

/** docker-modem reads the environment even when it is told all; which engine is meant is settled here already. */
function withoutVariables<T>(make: () => T): T {
  const { DOCKER_HOST, DOCKER_CERT_PATH } = process.env
  delete process.env.DOCKER_HOST
  delete process.env.DOCKER_CERT_PATH
  try {
    return make()
  } finally {
    if (DOCKER_HOST !== undefined) process.env.DOCKER_HOST = DOCKER_HOST
    if (DOCKER_CERT_PATH !== undefined) process.env.DOCKER_CERT_PATH = DOCKER_CERT_PATH
  }
}

/** A word as a part of a path. `..` would lead elsewhere. */
function escaped(word: string, what: string): string {
  if (word === '' || word === '.' || word === '..')
    throw new DrydockError(`invalid ${what} name or ID: ${word === '' ? 'value is empty' : `'${word}'`}`, { status: 400 })
  return encodeURIComponent(word)
}

/** Below zero when `a` is the older one. */
export function compareVersions(a: string, b: string): number {
  const [[majorA = 0, minorA = 0], [majorB = 0, minorB = 0]] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]]
  return majorA - majorB || minorA - minorB
}
