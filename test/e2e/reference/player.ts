/** The same requests for two engines, and what is compared of the answers: status, headers, and of the body the members and their types. */
import type { Difference } from '../../support/differences.js'
import type { EngineApi, RequestOptions } from '../../support/engines/api.js'
import { maskText } from '../../support/engines/masks.js'

export interface Exchange {
  /** `GET /containers/one/json`, or what it is about; each once in its group. */
  readonly key: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly shape: unknown
}

export class Player {
  readonly api: EngineApi
  readonly exchanges: Exchange[] = []

  constructor(api: EngineApi) {
    this.api = api
  }

  /** `about`: what is asked there, where the path does not tell. The body, parsed where it is JSON. */
  readonly ask = async <T = Record<string, unknown>>(
    words: string,
    options: RequestOptions & { readonly about?: string } = {},
  ): Promise<T> => {
    const [method = '', path = ''] = words.split(' ')
    const { about, ...request } = options
    const answer = await this.api.ask(method, path, { signal: AbortSignal.timeout(60_000), ...request }).catch((cause: Error) => {
      throw new Error(`${words} (${about ?? ''}) at ${this.api.socket}: ${cause.message}`, { cause })
    })
    const text = answer.body.toString()
    const key = `${method} ${maskText(path.split('?')[0] as string)}${about ? ` (${about})` : ''}`
    if (this.exchanges.some((one) => one.key === key)) throw new Error(`${key} is played twice: say what it is about`)
    const { status, headers } = answer
    this.exchanges.push({ key, status, headers: headersOf(headers), shape: bodyShape(String(headers['content-type'] ?? ''), text) })
    try {
      return JSON.parse(text) as T
    } catch {
      return undefined as T
    }
  }

  /** What is taken over: its head alone. */
  readonly hijack = async (path: string, options: Parameters<EngineApi['hijack']>[1] & { readonly about?: string } = {}): Promise<void> => {
    const { about, ...request } = options
    const taken = await this.api.hijack(path, request)
    const { status, headers } = taken
    await taken.ended()
    this.exchanges.push({
      key: `POST ${maskText(path.split('?')[0] as string)} (${about ?? 'taken over'})`,
      status,
      headers: headersOf(headers),
      shape: '',
    })
  }
}

/** Of the moment and of the connection, not of the answer. */
const NOT_COMPARED = ['date', 'content-length', 'connection', 'keep-alive', 'transfer-encoding']

function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const told = Object.entries(headers).filter(([name]) => !NOT_COMPARED.includes(name))
  // What it holds is another's affair (docker cp).
  return Object.fromEntries(told.map(([name, value]) => [name, name === 'x-docker-container-path-stat' ? '<stat>' : String(value)]))
}

/** Members whose keys are anybody's words: their values have one shape. */
const MAPS = [
  'Labels',
  'Options',
  'Containers',
  'Networks',
  'IndexConfigs',
  'Runtimes',
  'Details',
  'Data',
  'Volumes',
  'ExposedPorts',
  'Ports',
  'Attributes',
  'networks',
]

function bodyShape(type: string, text: string): unknown {
  if (text === '') return 'nothing'
  if (!type.startsWith('application/json')) return type.startsWith('text/plain') ? 'text' : 'bytes'
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const documents = lines.map((line) => JSON.parse(line) as unknown)
  return documents.length === 1 ? shapeOf(documents[0]) : { 'lines:': merged(documents.map((one) => shapeOf(one))) }
}

/** Each member's type; of a list what its elements have together. */
function shapeOf(value: unknown, name = ''): unknown {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'list' : { '[]': merged(value.map((one) => shapeOf(one))) }
  if (typeof value !== 'object') return typeof value
  const entries = Object.entries(value)
  if (MAPS.includes(name)) return entries.length === 0 ? 'map' : { '*': merged(entries.map(([, one]) => shapeOf(one))) }
  return Object.fromEntries(entries.map(([key, one]) => [key, shapeOf(one, key)]))
}

function merged(shapes: readonly unknown[]): unknown {
  const objects = shapes.filter((one) => typeof one === 'object')
  if (objects.length === 0) return [...new Set(shapes)].sort().join(' or ')
  const names = [...new Set(objects.flatMap((one) => Object.keys(one as object)))]
  return Object.fromEntries(names.map((name) => [name, merged(objects.flatMap((one) => (one as Record<string, unknown>)[name] ?? []))]))
}

/** `GET /info: status`, `GET /info: header server`, `GET /info: body Plugins.Volume`. */
export function differencesBetween(docker: readonly Exchange[], drydock: readonly Exchange[]): Difference[] {
  return docker.flatMap((expected) => {
    const got = drydock.find(({ key }) => key === expected.key)
    if (!got) return [{ key: expected.key, peer: 'played', drydock: 'not played' }]
    const { key } = expected
    if (expected.status !== got.status) return [{ key: `${key}: status`, peer: String(expected.status), drydock: String(got.status) }]
    const names = [...new Set([...Object.keys(expected.headers), ...Object.keys(got.headers)])]
    const headers = names.flatMap((name) => {
      const [peer = 'absent', own = 'absent'] = [expected.headers[name], got.headers[name]]
      return peer === own ? [] : [{ key: `${key}: header ${name}`, peer, drydock: own }]
    })
    return [...headers, ...ofShapes(`${key}: body `, '', expected.shape, got.shape)]
  })
}

function ofShapes(key: string, path: string, peer: unknown, drydock: unknown): Difference[] {
  if (typeof peer === 'object' && typeof drydock === 'object' && peer && drydock) {
    const [one, other] = [peer as Record<string, unknown>, drydock as Record<string, unknown>]
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((name) =>
      ofShapes(key, name === '[]' || name === '*' || path === '' ? path + name : `${path}.${name}`, one[name], other[name]),
    )
  }
  const [its, ours] = [nameOf(peer), nameOf(drydock)]
  return its === ours ? [] : [{ key: key + (path || 'itself'), peer: its, drydock: ours }]
}

function nameOf(shape: unknown): string {
  if (shape === undefined) return 'absent'
  if (typeof shape === 'string') return shape
  return '[]' in (shape as object) ? 'list of some' : 'object'
}
