/** What a container shares with another one is named by that one's id on disk, and by its first process when it is started. */
import { type ContainerSpec, type Layout, machineFor } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { rootOutside } from '../../primitives/own-ids.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import type { Core } from '../core.js'
import { runsIn } from '../living.js'

export interface Joined {
  readonly spec: ContainerSpec
  /** Who shares a network shares what the files say of it. */
  readonly filesOf?: Layout
}

/** 409 when the other one does not run. */
export function joined(core: Core, spec: ContainerSpec): Joined {
  const { containers } = core
  const { network, sharing } = spec
  const find = (id: string, what: string) => {
    const other = containers.find(id)
    if (other.pid === undefined) throw new DrydockError(`cannot join ${what} of a non running container: ${other.id}`, { status: 409 })
    return { id: other.id, layout: other.layout, pid: other.pid, ownIpc: other.record.spec.ownIpc }
  }
  const files = network.kind === 'container' ? find(network.of, 'network') : undefined
  const pid = typeof sharing?.pid === 'object' ? find(sharing.pid.of, 'PID') : undefined
  const ipc = typeof sharing?.ipc === 'object' ? find(sharing.ipc.of, 'IPC') : undefined
  if (ipc && ipc.ownIpc !== 'shareable')
    throw new DrydockError(
      `can't join IPC of container ${ipc.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      { status: 409 },
    )
  const mounts = spec.memoryVolumes && spec.mounts.map((mount) => inMemory(core, spec, mount))
  const { idmap } = machineFor(core.machine, spec)
  if (idmap) {
    // An ordinary user's container sees the host's processes then; root's would see what the map is to keep from it.
    const seen = rootOutside(idmap) && pid && 'processes'
    refuseShared(seen, ipc && 'queues and shared memory', mounts?.some(({ of }) => of) && 'a volume in memory')
  }
  return {
    spec: {
      ...spec,
      ...(mounts && { mounts }),
      ...(network.kind === 'container' && files && { network: { ...network, pid: files.pid } }),
      ...((pid || ipc) && {
        sharing: {
          ...sharing,
          ...(typeof sharing?.pid === 'object' && pid && { pid: { ...sharing.pid, pid: pid.pid } }),
          ...(typeof sharing?.ipc === 'object' && ipc && { ipc: { ...sharing.ipc, pid: ipc.pid } }),
        },
      }),
    },
    ...(files && { filesOf: files.layout }),
  }
}

/** Has one of those whose namespaces it was to share ended since, or been started again? Resolves when the engine knows of it: the kernel does before. */
export async function othersHaveGone({ containers }: Core, { network, sharing }: ContainerSpec): Promise<boolean> {
  const shared = [...(network.kind === 'container' ? [network] : []), sharing?.pid, sharing?.ipc].flatMap((one) =>
    typeof one === 'object' ? [one] : [],
  )
  let gone = false
  for (const { of, pid } of shared) {
    const other = containers.byId(of)
    if (other?.pid === pid && other && runsIn(pid, other.layout.upper)) continue
    if (other?.pid === pid) await other?.ended
    gone = true
  }
  return gone
}

/** Each container is in a user namespace of its own then, and has no rights in that of another one. */
function refuseShared(...shared: (string | false | undefined)[]): void {
  const what = shared.find((one) => one)
  if (what) throw new DrydockError(`sharing ${what} with another container needs an engine of root without userns-remap`, { status: 403 })
}

/** A volume that lives in memory: what another container that runs has of it, or a new one. */
function inMemory({ containers }: Core, { id, memoryVolumes }: ContainerSpec, mount: MountSpec): MountSpec {
  const memory = mount.source === undefined ? undefined : memoryVolumes?.[mount.source]
  if (mount.kind !== 'bind' || !memory) return mount
  for (const other of containers.all()) {
    const { spec } = other.record
    const same = spec.memoryVolumes?.[mount.source as string] && spec.mounts.find(({ source }) => source === mount.source)
    if (same && other.id !== id && other.pid !== undefined) return { ...mount, of: { pid: other.pid, path: same.target } }
  }
  return { ...mount, memory }
}
