/**
 * `docker search`: which repositories there are. Docker Hub and old registries have an index for it (GET /v1/search?q=TERM&n=NUMBER); a registry without one, as
 * most mirrors and all new registries are, at least lists what it has (GET /v2/_catalog, OCI's predecessor of the distribution specification).
 */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { DOCKER_HUB } from '../reference.js'
import { Certificates } from './certificates.js'
import type { RegistryConfig } from './config.js'
import { Connection, type Source, sourcesOf } from './connection.js'
import { type Credentials, credentialsFor } from './credentials.js'
import { errorOf, readable, TransportError } from './errors.js'
import { type Guard, HttpClient, type HttpResponse, type Timeouts } from './http.js'
import { NO_PATIENCE } from './retry.js'

export interface SearchResult {
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly official: boolean
  readonly automated: boolean
}

export interface SearchOptions {
  readonly config: RegistryConfig
  /** What is in ~/.docker/config.json by default. */
  readonly credentials?: (domain: string) => Promise<Credentials | undefined>
  /** At most so many. */
  readonly limit: number
  readonly signal?: AbortSignal
  readonly timeouts?: Timeouts
  /** Whom not to connect to. */
  readonly guard?: Guard
  /** Where Docker Hub's index is. */
  readonly hub?: URL
}

/** Docker's IndexServer. */
const HUB_INDEX = new URL('https://index.docker.io/')
/** Of an answer: bytes. */
const LONGEST_ANSWER = 4 * 1024 * 1024
/** Names that one page of a catalog has, as registries allow it. */
const PAGE = 1000

/** Of Docker Hub and its mirrors, or of the registry that the term begins with (`localhost:5000/tug`). */
export async function searchImages(term: string, options: SearchOptions): Promise<SearchResult[]> {
  const { domain, word } = splitTerm(term)
  const unchecked = new Set<string>()
  const certificates = new Certificates(options.config.certificates)
  const tls = (host: string) => certificates.for(host, { checked: !unchecked.has(host) })
  const http = new HttpClient({ timeouts: options.timeouts, signal: options.signal, tls, guard: options.guard })
  try {
    const sources = await sourcesOf(domain, options.config)
    for (const { insecure, bases } of sources) {
      if (insecure) for (const { protocol, host } of bases) if (protocol === 'https:') unchecked.add(host)
    }
    if (domain !== DOCKER_HUB) return await askRegistry(sources.at(-1) as Source, word, http, options)
    return await askHub(sources.slice(0, -1), word, http, options)
  } finally {
    http.close()
  }
}

/** github.com/docker/docker/registry, splitReposSearchTerm: `library/` is what Docker Hub leaves out. */
function splitTerm(term: string): { domain: string; word: string } {
  const [, first = '', rest = ''] = /^([^/]*)\/(.*)$/s.exec(term) ?? []
  if (first === 'localhost' || /[.:]/.test(first)) {
    if (rest === '') throw new DrydockError(`invalid search term "${term}": after the registry comes what is looked for`, { status: 400 })
    const domain = first === 'index.docker.io' ? DOCKER_HUB : first
    return { domain, word: domain === DOCKER_HUB ? rest.replace(/^library\//, '') : rest }
  }
  return { domain: DOCKER_HUB, word: term.replace(/^library\//, '') }
}

/** Mirrors first; what the index itself says is what counts. */
async function askHub(mirrors: readonly Source[], word: string, http: HttpClient, options: SearchOptions): Promise<SearchResult[]> {
  const passedOver: string[] = []
  for (const mirror of mirrors) {
    try {
      return await askRegistry(mirror, word, http, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      passedOver.push(`mirror ${mirror.domain}: ${sentenceOf(error)}`)
    }
  }
  try {
    const { username, password = '' } = (await (options.credentials ?? credentialsFor)(DOCKER_HUB)) ?? {}
    const basic = username && `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const url = indexUrl(options.hub ?? HUB_INDEX, word, options.limit)
    const response = await http.request({ method: 'GET', url, headers: { ...(basic && { authorization: basic }) } })
    if (response.status !== 200) throw await errorOf(response)
    return resultsIn(await documentOf(response), options.limit)
  } catch (error) {
    if (!(error instanceof TransportError) || passedOver.length === 0) throw error
    throw new TransportError(`${error.message} (${passedOver.join('; ')})`, { transient: error.transient, cause: error })
  }
}

function indexUrl(base: URL, word: string, limit: number): URL {
  const url = new URL('v1/search', base)
  url.searchParams.set('q', word)
  url.searchParams.set('n', String(limit))
  return url
}

async function askRegistry(source: Source, word: string, http: HttpClient, options: SearchOptions): Promise<SearchResult[]> {
  const { credentials = credentialsFor, signal, limit } = options
  const connection = await Connection.open(source, { http, credentials, signal, patience: NO_PATIENCE })
  const index = await connection.send({ method: 'GET', at: indexUrl(new URL('..', connection.base), word, limit), scopes: [] })
  if (index.status === 200) return resultsIn(await documentOf(index), limit)
  const error = await errorOf(index)
  if (index.status !== 404) throw error
  return inCatalog(connection, word, limit)
}

/** Repositories whose name has the word in it. */
async function inCatalog(connection: Connection, word: string, limit: number): Promise<SearchResult[]> {
  const found: SearchResult[] = []
  let at: URL | undefined = new URL(`_catalog?n=${PAGE}`, connection.base)
  while (at !== undefined && found.length < limit) {
    const response: HttpResponse = await connection.send({ method: 'GET', at, scopes: ['registry:catalog:*'] })
    if (response.status !== 200) throw await errorOf(response)
    const { repositories } = await documentOf(response)
    for (const name of Array.isArray(repositories) ? repositories : []) {
      if (typeof name === 'string' && name.includes(word))
        found.push({ name: readable(name), description: '', stars: 0, official: false, automated: false })
    }
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ''))?.[1]
    const following = next !== undefined && URL.canParse(next, response.url.href) ? new URL(next, response.url.href) : undefined
    at = following?.origin === response.url.origin ? following : undefined
  }
  return found.slice(0, limit)
}

async function documentOf(response: HttpResponse): Promise<Record<string, unknown>> {
  const text = await response.text(LONGEST_ANSWER)
  try {
    const found = JSON.parse(text ?? '') as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>
  } catch {
    // said below
  }
  throw new DrydockError(`the answer of ${response.url.host} is no list of repositories`, { status: 500 })
}

function resultsIn({ results }: Record<string, unknown>, limit: number): SearchResult[] {
  const list = Array.isArray(results) ? (results as Record<string, unknown>[]) : []
  return list.slice(0, limit).map((one) => ({
    name: readable(one?.name),
    description: readable(one?.description),
    stars: typeof one?.star_count === 'number' ? one.star_count : 0,
    official: one?.is_official === true,
    automated: one?.is_automated === true,
  }))
}
