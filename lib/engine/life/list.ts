/** Containers as `docker ps` gets them. Engine API 1.47, ContainerList. */
import { lookUp } from '../../image/store/find.js'
import type { Core } from '../core.js'
import { listMounts, listNetworks, listPorts } from '../documents/index.js'
import { ago } from '../durations.js'
import type { Document, ListOptions } from '../types.js'
import type { Container } from './container.js'
import { networksLeft } from './endpoints.js'
import { linkedNames } from './links.js'
import { containerFilter } from './list-filters.js'
import { sizesOf } from './sizes.js'

export async function list(core: Core, { all, limit, size, filters }: ListOptions): Promise<Document[]> {
  const matches = containerFilter(core, filters)
  const everything = all || (limit !== undefined && limit > 0) || filters.has('status')
  const found = core.containers.all().filter((one) => (everything || one.running || one.status === 'restarting') && matches(one))
  const shown = limit !== undefined && limit > 0 ? found.slice(0, limit) : found
  const nameOf = imageNames(core)
  const left = networksLeft(core)
  return Promise.all(shown.map((one) => rowOf(core, one, size, { nameOf, left })))
}

interface Lookups {
  readonly nameOf: (container: Container) => string
  readonly left: ReturnType<typeof networksLeft>
}

async function rowOf(core: Core, container: Container, withSize: boolean, { nameOf, left }: Lookups): Promise<Document> {
  const { record, run, status } = container
  const { spec, more } = record
  const endpoints = run?.endpoints ?? {}
  const size = withSize ? await sizesOf(core, container) : undefined
  return {
    Id: spec.id,
    Names: [`/${spec.name}`, ...linkedNames(core, container)],
    Image: nameOf(container),
    ImageID: spec.image.id ?? '',
    Command: spec.argv.map(quoted).join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: listPorts(spec, endpoints, run !== undefined),
    ...(size && { SizeRw: size.own, SizeRootFs: size.all }),
    Labels: spec.declared?.labels ?? {},
    State: status,
    Status: statusText(container),
    HostConfig: { NetworkMode: (more?.hostConfig.NetworkMode as string | undefined) ?? spec.network.kind },
    NetworkSettings: { Networks: left(container, listNetworks(record, endpoints)) },
    Mounts: listMounts(record),
  }
}

/** By its id when the name is another image's by now, or nobody's, as Docker shows it. Each name is looked up once. */
function imageNames({ store }: Core): (container: Container) => string {
  const known = new Map<string, string | undefined>()
  return ({ record }) => {
    const { name, id } = record.spec.image
    if (id === undefined) return name
    if (!known.has(name)) known.set(name, idOf(store, name))
    return known.get(name) === id ? name : id
  }
}

function idOf(store: Core['store'], name: string): string | undefined {
  try {
    return lookUp(store, name).id
  } catch {
    return undefined
  }
}

/** As Docker joins them: an argument with a blank in it is quoted. */
const quoted = (word: string): string => (word.includes(' ') ? `'${word}'` : word)

/** Docker's State.String(). */
export function statusText(container: Container): string {
  const { exit, ending, startedAt, notes, health } = container
  switch (container.status) {
    case 'running':
      return `Up ${ago(startedAt as string)}${health ? ` (${health.status === 'starting' ? 'health: starting' : health.status})` : ''}`
    case 'paused':
      return `Up ${ago(startedAt as string)} (Paused)`
    case 'restarting':
      return `Restarting (${ending.exitCode}) ${ago(exit?.finishedAt ?? (startedAt as string))} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'dead':
      return 'Dead'
    case 'created':
      return 'Created'
    case 'exited': {
      const at = exit?.finishedAt ?? notes.failure?.at
      return `Exited (${ending.exitCode})${at === undefined ? '' : ` ${ago(at)} ago`}`
    }
  }
}
