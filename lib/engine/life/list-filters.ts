/** Which containers a list's filters leave. github.com/docker/docker, daemon/list.go. */
import { lookUp } from '../../image/store/find.js'
import { DrydockError } from '../../kernel/errors.js'
import type { Core } from '../core.js'
import { booleanFilter, type Filters, matchesLabels } from '../filters.js'
import type { Container } from './container.js'

const KNOWN = new Set([
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
])

const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']
const HEALTHS = ['starting', 'healthy', 'unhealthy', 'none']

/** Throws Docker's sentences for keys and values that there are not. */
export function containerFilter(core: Core, filters: Filters): (container: Container) => boolean {
  for (const key of filters.keys()) if (!KNOWN.has(key)) throw new DrydockError(`Invalid filter '${key}'`, { status: 400 })
  const any = (key: string, test: (value: string) => boolean) => filters.get(key)?.some(test) ?? true
  for (const value of filters.get('status') ?? []) {
    if (!STATUSES.includes(value)) throw new DrydockError(`Invalid filter 'status=${value}'`, { status: 400 })
  }
  for (const value of filters.get('health') ?? []) {
    if (!HEALTHS.includes(value)) throw new DrydockError(`Invalid filter 'health=${value}'`, { status: 400 })
  }
  const exited = filters.get('exited')?.map((value) => {
    if (!/^-?\d+$/.test(value)) throw new DrydockError(`Invalid filter 'exited=${value}'`, { status: 400 })
    return Number(value)
  })
  const task = booleanFilter(filters, 'is-task')
  const [before, since] = ['before', 'since'].map((key) => filters.get(key)?.map((word) => core.containers.find(word).record.created))
  const ancestors = filters.get('ancestor')?.map((word) => ancestorTest(core, word))
  const ids = filters.get('id')
  const names = filters.get('name')?.map(nameTest)
  const ports = { publish: filters.get('publish')?.flatMap(portsIn), expose: filters.get('expose')?.flatMap(portsIn) }
  return (container) => {
    const { record, id, name, status } = container
    const { spec, created } = record
    if (ids && !ids.some((one) => id.startsWith(one))) return false
    if (names && !names.some((test) => test(name))) return false
    if (!any('status', (value) => value === status)) return false
    if (!any('health', (value) => value === (container.health?.status ?? 'none'))) return false
    if (task) return false
    if (exited && (container.running || status === 'created' || !exited.includes(container.ending.exitCode))) return false
    if (!matchesLabels(filters, spec.declared?.labels ?? {})) return false
    if (before?.some((moment) => created >= moment) || since?.some((moment) => created <= moment)) return false
    if (ancestors && !ancestors.some((test) => test(container))) return false
    if (!any('volume', (value) => spec.mounts.some(({ source = '', target }) => target === value || isVolume(source, value)))) return false
    if (!any('network', (value) => isOn(container, value))) return false
    if (ports.publish && !ports.publish.some((port) => publishedPorts(container).includes(port))) return false
    return !ports.expose || ports.expose.some((port) => (spec.declared?.exposedPorts ?? []).includes(port))
  }
}

/** A regular expression, as Docker takes it, against the name with and without its slash. */
function nameTest(text: string): (name: string) => boolean {
  let pattern: RegExp
  try {
    pattern = new RegExp(text)
  } catch {
    return (name) => name.includes(text)
  }
  return (name) => pattern.test(name) || pattern.test(`/${name}`)
}

const isVolume = (source: string, value: string): boolean => source === value || source.endsWith(`/volumes/${value}/_data`)

function isOn({ record: { spec }, run }: Container, value: string): boolean {
  const { network } = spec
  if (network.kind !== 'networks') return network.kind === value
  return network.names.includes(value) || Object.values(run?.endpoints ?? {}).some(({ networkId }) => networkId.startsWith(value))
}

const publishedPorts = ({ run }: Container): string[] =>
  Object.values(run?.endpoints ?? {}).flatMap(({ ports }) => ports.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portsIn(text: string): string[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === '' || to < from || to > 65535) throw new DrydockError(`Invalid filter: ${text} is no port`, { status: 400 })
  return Array.from({ length: to - from + 1 }, (_, at) => `${from + at}/${protocol}`)
}

/** Of the image itself, or of one whose layers begin with all of its. */
function ancestorTest({ store }: Core, word: string): (container: Container) => boolean {
  let found: { readonly id: string; readonly directories: readonly string[] } | undefined
  try {
    const { id, layers } = lookUp(store, word)
    found = { id, directories: layers.map(({ chainId }) => store.layers.directory(chainId)) }
  } catch {
    // Nobody's name: then only whoever was made by it is meant.
  }
  return ({ record: { spec } }) => {
    const { image } = spec
    if (image.name === word || (found !== undefined && image.id === found.id)) return true
    return (found?.directories.length ?? 0) > 0 && (found?.directories ?? []).every((one, at) => image.layers.at(-1 - at) === one)
  }
}
