/**
 * The engine: everything that a client can ask of drydock, on one machine, for one data root.
 *
 *     types.ts      what it can do, noun by noun; context.ts what its nouns share
 *     core.ts       the lock, the shims, the events, the table of containers
 *     inside/       what happens inside of them: execs, logs, docker cp
 *     life/         containers come, run, end and go; request/ what clients ask for
 *     image/ network/ volume/ system/     the other nouns; parts.ts where they come from
 *     launch.ts     a container from its spec to its program: with an engine or without
 *     documents/    what is told of things, as Docker tells it
 */
import { hostname } from 'node:os'
import { ensureDataRoot } from '../container/index.js'
import { dataRoot } from '../kernel/places.js'
import type { EngineContext, EngineSettings } from './context.js'
import { Core } from './core.js'
import { type InsideMembers, lifeOf } from './life/index.js'
import { recover } from './life/recover.js'
import { mendNetworks, prepareNetworks } from './network/index.js'
import { type Lasting, lacking, PARTS, type Parts } from './parts.js'
import type { ContainersNoun, EngineNouns, EventsNoun, ExecsNoun, ImagesNoun, NetworksNoun, SystemNoun, VolumesNoun } from './types.js'
import { sweepVolumes } from './volume/index.js'

export interface EngineOptions extends Partial<EngineSettings> {
  /** Where everything is kept; $DRYDOCK_DATA_ROOT or its default when absent. */
  readonly dataRoot?: string
  /** Nothing is said without. */
  readonly log?: EngineContext['log']
  /** In place of those of parts.ts. */
  readonly parts?: Partial<Parts>
}

export class Engine implements EngineNouns {
  readonly containers: ContainersNoun
  readonly execs: ExecsNoun
  readonly images: ImagesNoun
  readonly networks: NetworksNoun
  readonly volumes: VolumesNoun
  readonly events: EventsNoun
  readonly system: SystemNoun
  readonly #core: Core
  readonly #lasting: Lasting

  private constructor(core: Core, parts: Partial<Parts>) {
    this.#core = core
    this.events = core.events
    const inside = parts.inside?.(core) ?? lacking<ReturnType<Parts['inside']>>('look inside of containers')
    const life = lifeOf(core, async ({ id }) => {
      const { stream } = await inside.logs(id, { stdout: true, stderr: true, follow: false, timestamps: false, details: false })
      return stream
    })
    this.containers = { ...life, ...membersOf(inside) }
    const execs = parts.execs?.(core)
    this.execs = execs ?? lacking('execs')
    this.#lasting = execs ?? {}
    this.images = parts.images?.(core) ?? lacking('images')
    this.networks = parts.networks?.(core) ?? lacking('networks')
    this.volumes = parts.volumes?.(core) ?? lacking('volumes')
    this.system = parts.system?.(core, { containers: this.containers }) ?? lacking('system')
  }

  /** Find what is there, and go on with it. Fails when another engine has the data root. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const { parts, log = () => undefined, ...settings } = options
    const root = settings.dataRoot ?? dataRoot()
    ensureDataRoot(root)
    const core = await Core.open({
      name: hostname(),
      labels: [],
      registryMirrors: [],
      insecureRegistries: [],
      debug: false,
      ...settings,
      dataRoot: root,
      log,
    })
    try {
      await prepareNetworks(core)
      await sweepVolumes(core)
      await recover(core)
      await mendNetworks(core)
      const engine = new Engine(core, { ...PARTS, ...parts })
      await engine.#lasting.recover?.()
      return engine
    } catch (error) {
      await core.close()
      throw error
    }
  }

  /** What the parts of this engine share; for the one that serves it. */
  get context(): EngineContext {
    return this.#core
  }

  /** Labels, registries, debugging: what a daemon reads again. */
  reload(settings: Partial<EngineSettings>): void {
    this.#core.reload(settings)
  }

  /** Let go of everything. Containers run on; the next engine finds them. */
  async close(): Promise<void> {
    const core = this.#core
    core.beginClosing()
    await Promise.all(core.containers.all().map((container) => container.exclusively(async () => undefined)))
    for (const container of core.containers.all()) {
      container.backoff?.cancel()
      container.run?.line.close()
    }
    await this.#lasting.close?.()
    await core.close()
  }
}

const INSIDE = ['top', 'stats', 'logs', 'changes', 'export', 'stat', 'read', 'write'] as const satisfies readonly InsideMembers[]

/** Whatever it is made of, an object or a class. */
const membersOf = (inside: ReturnType<Parts['inside']>): ReturnType<Parts['inside']> =>
  Object.fromEntries(INSIDE.map((name) => [name, (inside[name] as (...args: unknown[]) => unknown).bind(inside)])) as unknown as ReturnType<
    Parts['inside']
  >
