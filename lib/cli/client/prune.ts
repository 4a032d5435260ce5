/** `prune` of containers, images, networks and volumes: what is not used goes. */
import { type Engine, EngineError } from '../engine/client.js'
import { type FilterWords, filters, GoCommand, readFilter } from '../flags.js'
import { humanSize } from '../table.js'
import { asQuery } from './listing.js'
import { type ClientVerb, verb } from './verb.js'

interface Flags {
  readonly all?: boolean
  readonly force?: boolean
  readonly filter: FilterWords
}

export interface Pruned {
  /** What docker prints of it, ended by a line; '' when nothing went. */
  readonly told: string
  /** Bytes. */
  readonly reclaimed: number
}

type Prune = (engine: Engine, flags: Pick<Flags, 'all' | 'filter'>) => Promise<Pruned>

const list = (heading: string, words: readonly string[] | null | undefined): string =>
  words && words.length > 0 ? `${heading}:\n${words.join('\n')}\n` : ''

async function asked<T>(engine: Engine, path: string, filter: FilterWords): Promise<T & { readonly SpaceReclaimed?: number }> {
  return engine.call({ method: 'POST', path: `/${path}/prune`, query: asQuery(filter) })
}

export const PRUNES = {
  containers: async (engine, { filter }) => {
    const { ContainersDeleted, SpaceReclaimed = 0 } = await asked<{ ContainersDeleted: string[] | null }>(engine, 'containers', filter)
    return { told: list('Deleted Containers', ContainersDeleted), reclaimed: SpaceReclaimed }
  },
  images: async (engine, { all, filter }) => {
    const dangling = readFilter(`dangling=${!all}`, filter)
    const { ImagesDeleted, SpaceReclaimed = 0 } = await asked<{ ImagesDeleted: Removed[] | null }>(engine, 'images', dangling)
    const lines = (ImagesDeleted ?? []).map((one) => (one.Untagged ? `untagged: ${one.Untagged}` : `deleted: ${one.Deleted}`))
    return { told: list('Deleted Images', lines), reclaimed: SpaceReclaimed }
  },
  networks: async (engine, { filter }) => {
    const { NetworksDeleted } = await asked<{ NetworksDeleted: string[] | null }>(engine, 'networks', filter)
    return { told: list('Deleted Networks', NetworksDeleted), reclaimed: 0 }
  },
  volumes: async (engine, { all, filter }) => {
    // Before 1.42 an engine removes those with a name too.
    const words = all && engine.atLeast('1.42') ? readFilter('all=true', filter) : filter
    const { VolumesDeleted, SpaceReclaimed = 0 } = await asked<{ VolumesDeleted: string[] | null }>(engine, 'volumes', words)
    return { told: list('Deleted Volumes', VolumesDeleted), reclaimed: SpaceReclaimed }
  },
  cache: async (engine, { all, filter }) => {
    try {
      const { CachesDeleted, SpaceReclaimed = 0 } = await engine.call<{ CachesDeleted?: string[] | null; SpaceReclaimed?: number }>({
        method: 'POST',
        path: '/build/prune',
        query: { ...(all && { all: 1 }), ...asQuery(filter) },
      })
      return { told: list('Deleted build cache objects', CachesDeleted), reclaimed: SpaceReclaimed }
    } catch (error) {
      // An engine that does not build has no such thing.
      if (error instanceof EngineError && (error.status === 404 || error.status === 501)) return { told: '', reclaimed: 0 }
      throw error
    }
  },
} satisfies Record<string, Prune>

interface Removed {
  readonly Untagged?: string
  readonly Deleted?: string
}

interface About {
  readonly description: string
  /** What is asked before. */
  readonly warning: (flags: Flags) => string
  /** Does it have --all, and what is that? */
  readonly all?: string
  readonly untold?: boolean
}

const pruning = (prune: Prune, { description, warning, all, untold }: About): ClientVerb =>
  verb<Flags>(
    (path) => {
      const command = new GoCommand(path)
        .description(description)
        .usage('[OPTIONS]')
        .addOption(filters('--filter <key=value>', 'until=24h, label=…, label!=…'))
        .option('-f, --force', 'do not ask')
      return all === undefined ? command : command.option('-a, --all', all)
    },
    async ({ options, engine: open }) => {
      if (!options.force && !(await agreed(`WARNING! ${warning(options)}`))) return 0
      const { told, reclaimed } = await prune(await open(), options)
      if (told !== '') process.stdout.write(`${told}\n`)
      if (!untold) process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`)
      return 0
    },
  )

/** Anything but a y is a no, the end of the input too. */
export async function agreed(warning: string): Promise<boolean> {
  const { ask } = await import('../ask.js')
  process.stdout.write(`${warning}\n`)
  return (await ask('Are you sure you want to continue? [y/N] ')).trim().toLowerCase() === 'y'
}

export const pruneContainers = pruning(PRUNES.containers, {
  description: 'Remove all containers that do not run.',
  warning: () => 'This will remove all stopped containers.',
})

export const pruneImages = pruning(PRUNES.images, {
  description: 'Remove images that are not used.',
  all: 'all that no container uses, not only those without a name',
  warning: ({ all }) =>
    all ? 'This will remove all images without at least one container associated to them.' : 'This will remove all dangling images.',
})

export const pruneNetworks = pruning(PRUNES.networks, {
  description: 'Remove networks that no container uses.',
  untold: true,
  warning: () => 'This will remove all custom networks not used by at least one container.',
})

export const pruneVolumes = pruning(PRUNES.volumes, {
  description: 'Remove volumes that no container uses.',
  all: 'those with a name too',
  warning: ({ all }) =>
    all
      ? 'This will remove all local volumes not used by at least one container.'
      : 'This will remove anonymous local volumes not used by at least one container.',
})
