/** Which containers a list's filters leave. github.com/docker/docker, daemon/list.go. */
import { lookUp } from '../../image/store/find.js'
import { DrydockError } from '../../kernel/errors.js'
import type { Core } from '../core.js'
import { listPorts } from '../documents/index.js'
import { booleanFilter, type Filters, matchesLabels, nameTest } from '../filters.js'
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
    if (!HEALTHS.includes(value)) throw new DrydockError(`Unrecognised filter value for health: ${value}`, { status: 400 })
  }
  const exited = filters.get('exited')?.map((value) => {
    if (!/^-?\d+$/.test(value)) throw new DrydockError(`Invalid filter 'exited=${value}'`, { status: 400 })
    return Number(value)
  })
  const task = booleanFilter(filters, 'is-task')
  const [before, since] = ['before', 'since'].map((key) => filters.get(key)?.map((word) => core.containers.find(word).record.created))
  const ancestors = filters.get('ancestor')?.map((word) => ancestorTest(core, word))
  const ids = filters.get('id')?.flatMap((word) => meant(core, word))
  const names = filters.get('name')?.map(nameTest)
  const [published, exposed] = ['publish', 'expose'].map((key) => filters.get(key)?.map((text) => portTest(key, text)))
  return (container) => {
    const { record, id, name, status } = container
    const { spec, created } = record
    if (ids && !ids.includes(id)) return false
    if (names && !names.some((test) => test(name) || test(`/${name}`))) return false
    if (!any('status', (value) => value === status)) return false
    if (!any('health', (value) => value === (container.health?.status ?? 'none'))) return false
    if (task) return false
    if (exited && (container.running || status === 'created' || !exited.includes(container.ending.exitCode))) return false
    if (!matchesLabels(filters, spec.declared?.labels ?? {})) return false
    if (before?.some((moment) => created >= moment) || since?.some((moment) => created <= moment)) return false
    if (ancestors && !ancestors.some((test) => test(container))) return false
    if (!any('volume', (value) => spec.mounts.some(({ source = '', target }) => target === value || isVolume(source, value)))) return false
    if (!any('network', (value) => isOn(container, value))) return false
    const ports = published || exposed ? portsOf(container) : []
    if (published && !ports.some(({ PublicPort, Type }) => published.some((test) => test(PublicPort, Type)))) return false
    return !exposed || ports.some(({ PrivatePort, Type }) => exposed.some((test) => test(PrivatePort, Type)))
  }
}

/** By its id in full, or by the beginning of no other's. Docker takes what is nobody's, or several ones', for no id at all. */
function meant(core: Core, word: string): string[] {
  const found = word === '' ? [] : core.containers.all().filter(({ id }) => id.startsWith(word))
  return found.length === 1 ? found.map(({ id }) => id) : []
}

const isVolume = (source: string, value: string): boolean => source === value || source.endsWith(`/volumes/${value}/_data`)

function isOn({ record: { spec }, run }: Container, value: string): boolean {
  const { network } = spec
  if (network.kind !== 'networks') return network.kind === value
  return network.names.includes(value) || Object.values(run?.endpoints ?? {}).some(({ networkId }) => networkId.startsWith(value))
}

/** As the list shows them: of one that does not run, none. */
const portsOf = ({ record: { spec }, run }: Container) => listPorts(spec, run?.endpoints ?? {}, run !== undefined)

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portTest(key: string, text: string): (port: unknown, protocol: unknown) => boolean {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === '' || to < from || to > 65535) {
    throw new DrydockError(
      `error while looking up for ${key} ${text}: '${text}' is no port and no range of them, such as 80, 53/udp or 8000-8010`,
      {
        status: 400,
      },
    )
  }
  return (port, its) => typeof port === 'number' && port >= from && port <= to && its === protocol
}

/** Of the image itself, or of one whose layers begin with all of its. */
function ancestorTest({ store }: Core, word: string): (container: Container) => boolean {
  let found: { readonly id: string; readonly directories: readonly string[] } | undefined
  try {
    const { id, layers } = lookUp(store, word)
    found = { id, directories: layers.map(({ chainId }) => store.layers.directory(chainId)) }
  } catch {
    // Nobody's name any more, or never.
  }
  return ({ record: { spec } }) => {
    const { image } = spec
    // One that was made without an engine need not have an image of the store.
    if (!found) return image.id === undefined && image.name === word
    const { id, directories } = found
    return image.id === id || (directories.length > 0 && directories.every((one, at) => image.layers.at(-1 - at) === one))
  }
}
