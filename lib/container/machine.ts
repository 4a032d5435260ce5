/** What a plan needs to know of this machine; read once, by whoever runs containers. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { constant } from '../kernel/constants.js'
import { ALL_CAPABILITIES, availableCapabilities, type Capability, lastCapability } from '../primitives/capabilities.js'
import { type CgroupHost, detectCgroups } from '../primitives/cgroups/index.js'
import type { IdmapPlan } from '../primitives/idmap.js'
import { ownIdmap } from '../primitives/own-ids.js'
import { type DeviceNode, MASKED_PATHS, type PresentPath, presentPaths, READ_ONLY_PATHS } from '../primitives/rootfs/index.js'
import type { ContainerSpec } from './spec.js'

export interface Machine {
  readonly cgroups: CgroupHost
  /** What can be handed on to a container. */
  readonly capabilities: readonly Capability[]
  /** The kernel's highest capability number. */
  readonly lastCapability: number
  readonly masked: readonly PresentPath[]
  readonly readOnly: readonly string[]
  /** Set when containers live in a user namespace of their own: those of whoever is not the machine's own root, and of a root who wants it so. */
  readonly idmap?: IdmapPlan
  /** Overlay's notes are in `user.` attributes though this container is in the host's user namespace: the layers were made for others. */
  readonly userxattr?: boolean
}

export function readMachine(): Machine {
  const map = ownIdmap()
  const last = lastCapability()
  return {
    cgroups: detectCgroups(),
    // In a user namespace of its own a process begins with all that there are (user_namespaces(7)).
    capabilities: map ? ALL_CAPABILITIES.filter((one) => constant('capability', one) <= last) : availableCapabilities(),
    lastCapability: last,
    masked: presentPaths(MASKED_PATHS),
    readOnly: READ_ONLY_PATHS.filter((path) => existsSync(path)),
    ...(map && { idmap: map }),
  }
}

/** For one container: who wants to be in the host's user namespace has the host's ids, in files that are another's. */
export function machineFor(machine: Machine, { sharing }: Pick<ContainerSpec, 'sharing'>): Machine {
  if (sharing?.user !== 'host') return machine
  const { idmap: _, ...rest } = machine
  return { ...rest, capabilities: availableCapabilities(), userxattr: true }
}

/** Not the host's terminals, shared memory and queues: the container has its own. As Docker leaves them out. */
const OWN = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', 'ptmx', '.lxc', '.lxd-mounts', '.udev'])

/** Every device node below /dev, links not followed. */
export function hostDevices(directory = '/dev'): DeviceNode[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (OWN.has(entry.name)) return []
    if (entry.isDirectory()) return hostDevices(path)
    if (entry.isSymbolicLink()) return []
    // In a bottle, as in a container, a device is bound over a file, and the directory knows of the file only.
    const found = statSync(path, { throwIfNoEntry: false })
    return found?.isCharacterDevice() || found?.isBlockDevice() ? [deviceOf(path, found)] : []
  })
}

/** A node of the host's as one inside, of the same number. */
export function deviceOf(path: string, { rdev, mode, uid, gid }: { rdev: number; mode: number; uid: number; gid: number }): DeviceNode {
  // The kernel's new_encode_dev, which stat(2) hands out.
  const major = (rdev >>> 8) & 0xfff
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
  return { path, kind: (mode & 0o170000) === 0o060000 ? 'block' : 'char', major, minor, mode: mode & 0o7777, uid, gid }
}
