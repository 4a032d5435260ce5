/**
 * A container from its spec to its running program, with all that lies above lib/container: its networks, its files on disk. What the
 * foreground run does, and the engine too.
 */

import { containerFiles, mountedFiles } from '../container/files.js'
import {
  type Assembled,
  assemble,
  type ContainerRecord,
  type ContainerSpec,
  createState,
  type DnsSettings,
  type EndpointRequest,
  ensureDataRoot,
  ephemeralState,
  forgetName,
  generatedFiles,
  isNameTaken,
  type Layout,
  layoutOf,
  likelyUser,
  type Machine,
  nameTaken,
  ownVolumes,
  StartError,
  type Started,
  type Surroundings,
  start,
} from '../container/index.js'
import type { StartOptions } from '../container/start.js'
import { SHIM_PATH } from '../kernel/constants.js'
import type { Shim } from '../kernel/shim.js'
import type { Fragment } from '../kernel/step.js'
import { lostParent } from '../primitives/cgroups/index.js'
import { rootOutside } from '../primitives/own-ids.js'
import { type Connections, connectionsOf, type NameService } from './connections.js'
import { checkPropagation } from './propagation.js'

export interface LaunchRequest {
  readonly spec: ContainerSpec
  readonly dataRoot: string
  readonly machine: Machine
  /** Lines for /etc/hosts, and what resolv.conf is to say in place of the host's. */
  readonly extraHosts?: readonly string[]
  readonly dns?: DnsSettings
  /** On the first network: an address and a hardware address of one's own choice. */
  readonly ip?: string
  readonly mac?: string
  /** Another container's files say what its network is, and are shared. */
  readonly filesOf?: Layout
  /** The same for any network, and names there; by network. */
  readonly endpoints?: Readonly<Record<string, EndpointRequest>>
}

export interface LaunchOptions {
  /** A fresh shim; asked again when somebody else took the address that was chosen. */
  readonly newShim: () => Promise<Shim>
  /** What the monitor is to do; absent members are not done. */
  readonly monitor?: (layout: Layout) => StartOptions['monitor']
  /** Answer for the names of user-defined networks, from before the container's first instruction on; not called when there is none. */
  readonly serveNames?: (networks: readonly string[]) => Promise<NameService>
  /** When the monitor's socket can be connected to; the program is not executed before it resolves. Again at each attempt. */
  readonly monitored?: (layout: Layout) => Promise<void>
  /** Before the first step is made: the place to listen to the shim. */
  readonly prepared?: (shim: Shim, layout: Layout) => StartOptions['attempt'] | undefined
}

export interface Launched extends Started {
  readonly shim: Shim
  readonly layout: Layout
  readonly record: ContainerRecord
  readonly connections: Connections
  readonly names?: NameService
  readonly warnings: readonly string[]
}

/** How often an address or a name that was lost to somebody else is chosen anew. */
const ATTEMPTS = 20

/** Make it, and let it run. */
export async function launch(request: LaunchRequest, options: LaunchOptions): Promise<Launched> {
  const { spec, dataRoot } = request
  ensureDataRoot(dataRoot)
  const record: ContainerRecord = { version: 1, created: new Date().toISOString(), spec }
  const layout = spec.ephemeral ? layoutOf(dataRoot, spec.id, spec.name) : createState(dataRoot, record)
  return launchIn(layout, record, request, options)
}

/** Let one run whose directories are there, for the first time or again: what it has changed is there still. */
export async function launchIn(layout: Layout, record: ContainerRecord, request: LaunchRequest, options: LaunchOptions): Promise<Launched> {
  const { spec, dataRoot } = request
  checkPropagation(spec.mounts)
  for (let attempt = 1; ; attempt++) {
    const shim = await options.newShim()
    const attempter = options.prepared?.(shim, layout)
    const monitor = options.monitor?.(layout)
    let connections: Connections | undefined
    let names: NameService | undefined
    try {
      connections = await connectionsOf(request, shim, attempt)
      if (connections.named.length > 0) names = await options.serveNames?.(connections.named)
      const surroundings = surroundingsOf(request, layout, record, connections)
      const started = await start({
        shim,
        spec,
        surroundings,
        ...(monitor && { monitor }),
        ...(options.monitored && { monitored: () => (options.monitored as (layout: Layout) => Promise<void>)(layout) }),
        ...(attempter && { attempt: attempter }),
      })
      const warnings = [...connections.warnings, ...started.assembled.warnings]
      return { ...started, shim, layout, record, connections, ...(names && { names }), warnings }
    } catch (error) {
      await shim.rollback()
      await names?.close()
      const step = error instanceof StartError ? error.failed : (error as Error)
      const named = isNameTaken(step, layout)
      if (named && !forgetName(dataRoot, layout.name)) throw nameTaken(layout.name)
      if (attempt === ATTEMPTS || !(named || lostParent(step) || connections?.taken(step))) throw connections?.explain(step) ?? error
    }
  }
}

/** The plan as it would be made, and nothing of it done. */
export async function explainLaunch(request: LaunchRequest): Promise<Assembled & { readonly connections: Connections }> {
  const { spec, dataRoot } = request
  const layout = layoutOf(dataRoot, spec.id, spec.name)
  const record: ContainerRecord = { version: 1, created: new Date().toISOString(), spec }
  const connections = await connectionsOf(request)
  return { ...assemble(spec, likelyUser(spec.user), surroundingsOf(request, layout, record, connections)), connections }
}

function surroundingsOf(request: LaunchRequest, layout: Layout, record: ContainerRecord, connections: Connections): Surroundings {
  const { spec, machine, extraHosts, filesOf } = request
  const files = filesOf ? [] : containerFiles(spec, layout, connections, extraHosts)
  const fragments: Fragment[] = [
    ...(spec.ephemeral ? [ephemeralState(layout, record), ...ownVolumes(spec)] : []),
    generatedFiles(files, rootOutside(machine.idmap)),
    ...connections.fragments,
  ]
  return { machine, layout, initProgram: SHIM_PATH, fragments, files: mountedFiles(filesOf ?? layout, spec.readOnlyRoot) }
}
