/** What the nouns of one engine share: where its files are, what it may ask, whom it knows. */
import type { ContainerRecord, ExitRecord, Layout, Machine } from '../container/index.js'
import type { Store } from '../image/store/index.js'
import type { Digest } from '../image/types.js'
import type { Shim } from '../kernel/shim.js'
import type { NameService } from './connections.js'
import type { Endpoint } from './documents/index.js'
import type { HealthState } from './health/state.js'
import type { LateNetworks } from './network/late.js'
import type { EngineEvent } from './types.js'

export interface EngineContext {
  /** Of the data root: a UUID, made once. */
  readonly id: string
  readonly dataRoot: string
  readonly settings: EngineSettings
  readonly machine: Machine
  readonly store: Store
  readonly containers: ContainerTable
  readonly events: EventLog
  /** Of user-defined networks. */
  readonly names: { use(networks: readonly string[]): Promise<NameService> }
  /** What containers got while they ran. */
  readonly late: LateNetworks
  /** Images that builds of this moment go on with, one set a build. Nobody takes them away meanwhile. */
  readonly building: Set<ReadonlySet<Digest>>
  /** A fresh one, forked by the engine's spawner. */
  newShim(): Promise<Shim>
  /** A sentence for whoever reads the engine's log. */
  log(level: 'debug' | 'info' | 'warn' | 'error', sentence: string): void
}

export interface EngineSettings {
  /** The host's name. */
  readonly name: string
  /** `NAME=VALUE` of the daemon. */
  readonly labels: readonly string[]
  readonly registryMirrors: readonly string[]
  readonly insecureRegistries: readonly string[]
  /** ADDRESS/BITS of the default bridge, when it is not to be chosen. */
  readonly bip?: string
  readonly debug: boolean
  /** Of containers that do not say where their output goes. */
  readonly logDriver?: string
  readonly logOptions?: Readonly<Record<string, string>>
  /** An init in containers that do not say. */
  readonly init?: boolean
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'

/** A container as the engine knows it at this moment; the members change as it lives. */
export interface ContainerHandle {
  readonly id: string
  readonly name: string
  readonly record: ContainerRecord
  readonly layout: Layout
  readonly tty: boolean
  readonly status: ContainerStatus
  /** Runs, paused or not. */
  readonly running: boolean
  /** Its first process as this pid namespace numbers it, while it runs. */
  readonly pid: number | undefined
  /** When it was started last; RFC 3339. */
  readonly startedAt: string | undefined
  /** Where it is in each of its networks, while it runs. */
  readonly endpoints: Readonly<Record<string, Endpoint>>
  /** Of its last run. */
  readonly exit: ExitRecord | undefined
  /** What its probes have said; undefined: none was ever made. */
  health: HealthState | undefined
  /** Ids of the execs that it knows. */
  readonly execs: Set<string>
  /** Resolves when the run of this moment has ended and all of it is on record; at once when it does not run. */
  readonly ended: Promise<void>
  /** Resolves when it is removed. */
  readonly removed: Promise<void>
  /** Changes of its life come one after the other. */
  exclusively<T>(act: () => Promise<T>): Promise<T>
  /** Its record is this one from now on, on disk too; and, while it runs, it is there in its networks. By whoever has it exclusively. */
  revise(record: ContainerRecord, endpoints?: Readonly<Record<string, Endpoint>>): void
}

export interface ContainerTable {
  /** By name, by id, or by the beginning of an id. Throws `No such container: WORD` (404). */
  find(word: string): ContainerHandle
  byId(id: string): ContainerHandle | undefined
  /** The newest first. */
  all(): ContainerHandle[]
}

export interface EventLog {
  /** How many listen to it. */
  readonly listeners: number
  /** Time and scope are added; a container's old members too. */
  publish(event: {
    readonly Type: EngineEvent['Type']
    readonly Action: string
    readonly ID: string
    readonly Attributes?: Readonly<Record<string, string>>
  }): void
}

/** What container events tell of one: its labels, its image, its name. */
export function attributesOf({ record, name }: ContainerHandle): Record<string, string> {
  const image = record.spec.image.name
  return { ...record.spec.declared?.labels, ...(image !== '' && { image }), name }
}
