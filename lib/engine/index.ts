/**
 * The engine: everything that a client can ask of drydock, on one machine, for one data root.
 *
 *     types.ts      what it can do, noun by noun; context.ts what its nouns share
 *     core.ts       the lock, the shims, the events, the table of containers
 *     inside/       what happens inside of them: execs, logs, docker cp
 *     health/       whether they are well
 *     life/         containers come, run, end and go; request/ what clients ask for
 *     image/ network/ volume/ system/     the other nouns
 *     build/        images out of Dockerfiles
 *     launch.ts     a container from its spec to its program: with an engine or without
 *     documents/    what is told of things, as Docker tells it
 */
import { hostname } from 'node:os'
import { ensureDataRoot } from '../container/index.js'
import { dataRoot } from '../kernel/places.js'
import { type BuildsNoun, buildsOf } from './build/index.js'
import type { EngineContext, EngineSettings } from './context.js'
import { Core } from './core.js'
import { imagesOf } from './image/index.js'
import { type Execs, insideOf } from './inside/index.js'
import { create as createContainer } from './life/create.js'
import { lifeOf } from './life/index.js'
import { recover } from './life/recover.js'
import { mendNetworks, networksOf, prepareNetworks } from './network/index.js'
import { systemOf } from './system/index.js'
import type { ContainersNoun, EngineNouns, EventsNoun, ImagesNoun, NetworksNoun, SystemNoun, VolumesNoun } from './types.js'
import { sweepVolumes, volumesOf } from './volume/index.js'

export interface EngineOptions extends Partial<EngineSettings> {
  /** Where everything is kept; $DRYDOCK_DATA_ROOT or its default when absent. */
  readonly dataRoot?: string
  /** Nothing is said without. */
  readonly log?: EngineContext['log']
}

export class Engine implements EngineNouns {
  readonly containers: ContainersNoun
  readonly execs: Execs
  readonly images: ImagesNoun
  readonly builds: BuildsNoun
  readonly networks: NetworksNoun
  readonly volumes: VolumesNoun
  readonly events: EventsNoun
  readonly system: SystemNoun
  readonly #core: Core

  private constructor(core: Core) {
    this.#core = core
    this.events = core.events
    const inside = insideOf(core)
    const life = lifeOf(core, async ({ id }) => {
      const { stream } = await inside.logs(id, { stdout: true, stderr: true, follow: false, timestamps: false, details: false })
      return stream
    })
    this.containers = { ...life, ...inside }
    this.execs = core.execs
    this.images = imagesOf(core)
    this.builds = buildsOf(core, {
      containers: this.containers,
      images: this.images,
      create: (body) => createContainer(core, body, { nameless: true }),
    })
    this.networks = networksOf(core)
    this.volumes = volumesOf(core)
    this.system = systemOf(core, { containers: this.containers })
  }

  /** Find what is there, and go on with it. Fails when another engine has the data root. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const { log = () => undefined, ...settings } = options
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
      // Half-made layers of programs that were killed: nobody may pull or prune here for long.
      await core.store.sweep()
      await recover(core)
      await mendNetworks(core)
      await core.execs.recover()
      return new Engine(core)
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
    await core.health.close()
    await this.execs.close()
    await core.close()
  }
}
