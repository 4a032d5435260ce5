/** One engine's own things, which its nouns share: the context, and what only the life of containers needs of it. */
import { join } from 'node:path'
import { type Machine, readMachine } from '../container/index.js'
import { writeDurably } from '../container/state.js'
import { Store } from '../image/store/index.js'
import type { Digest } from '../image/types.js'
import { randomBytes } from '../kernel/random.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Shim } from '../kernel/shim.js'
import { Spawner } from '../kernel/spawner.js'
import { Clerks } from './clerks.js'
import type { EngineContext, EngineSettings } from './context.js'
import { Events } from './events.js'
import { HealthChecks } from './health/checks.js'
import { inTurn } from './in-turn.js'
import { Execs } from './inside/execs.js'
import { probe } from './inside/probe.js'
import { Bases } from './life/base.js'
import { Table } from './life/table.js'
import { lockDataRoot } from './lock.js'
import { NameServices } from './name-services.js'
import { modeId } from './network/find.js'
import { LateNetworks } from './network/late.js'

export interface CoreSettings extends EngineSettings {
  readonly dataRoot: string
  readonly log: EngineContext['log']
}

/** Shims that wait ready, and of them those that are connected. */
const WARM = 2
const CONNECTED = 1

export class Core implements EngineContext {
  readonly id: string
  readonly dataRoot: string
  #settings: EngineSettings
  readonly machine: Machine
  readonly store: Store
  readonly bases: Bases
  readonly containers = new Table()
  readonly events = new Events()
  readonly clerks: Clerks
  readonly names: NameServices
  readonly late: LateNetworks
  readonly execs: Execs
  readonly health: HealthChecks
  readonly building = new Set<ReadonlySet<Digest>>()
  /** Of containers with a volume that lives in memory each starts when those before it have it: two that start together are to have the same one. */
  readonly oneByOne = inTurn()
  /** Ids of what is no network with a bridge. */
  readonly modeIds: Readonly<Record<'none' | 'host', string>>
  readonly log: EngineContext['log']
  readonly #spawner: Spawner
  readonly #keeper: Shim
  #closing = false

  private constructor(settings: CoreSettings, spawner: Spawner, keeper: Shim) {
    const { dataRoot, log, ...rest } = settings
    this.dataRoot = dataRoot
    this.#settings = rest
    this.log = log
    this.#spawner = spawner
    this.#keeper = keeper
    this.machine = readMachine()
    this.store = new Store(dataRoot, () => this.newShim())
    this.store.prepare()
    this.bases = new Bases(this.store)
    this.id = ownId(dataRoot)
    this.clerks = new Clerks(() => this.newShim())
    this.names = new NameServices(dataRoot)
    this.late = new LateNetworks(dataRoot, log)
    this.execs = new Execs(this)
    this.health = new HealthChecks(this, (container, options) => probe(this.execs, container, options))
    this.modeIds = { none: modeId(this.id, 'none'), host: modeId(this.id, 'host') }
  }

  /** Fails when another engine has the data root. */
  static async open(settings: CoreSettings): Promise<Core> {
    const spawner = await Spawner.start({
      warm: WARM,
      connected: CONNECTED,
      replaced: (how) => settings.log('warn', `the spawner, from which shims are forked, had to be started again: ${how}`),
    })
    try {
      const keeper = await spawner.shim()
      await lockDataRoot(keeper, settings.dataRoot)
      keeper.unref()
      return new Core(settings, spawner, keeper)
    } catch (error) {
      await spawner.close()
      throw error
    }
  }

  get settings(): EngineSettings {
    return this.#settings
  }

  /** What may change while it runs. */
  reload(settings: Partial<EngineSettings>): void {
    this.#settings = { ...this.#settings, ...settings }
  }

  /** From the first moment of its end: nothing is begun any more. */
  get closing(): boolean {
    return this.#closing
  }

  newShim(): Promise<Shim> {
    return this.#spawner.shim()
  }

  /** Nothing new is begun; what is closed last is the lock. */
  beginClosing(): void {
    this.#closing = true
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.names.close()
    await this.clerks.close()
    await this.#spawner.close()
    await this.#keeper.close()
  }
}

/** A UUID, made at the first start. */
function ownId(dataRoot: string): string {
  const path = join(dataRoot, 'engine-id')
  const known = textIfReadable(path)?.trim()
  if (known && /^[0-9a-f-]{36}$/.test(known)) return known
  const hex = randomBytes(16).toString('hex')
  const id = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-')
  writeDurably(path, `${id}\n`)
  return id
}
