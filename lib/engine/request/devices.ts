/** Devices and settings of the kernel that a container is given: Devices, DeviceCgroupRules, Sysctls. */
import { statSync } from 'node:fs'
import { isAbsolute, join, normalize } from 'node:path'
import { type ContainerSpec, deviceOf, hostDevices, type NetworkMode, type Sharing } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { DEFAULT_DEVICES, type DeviceRule, parseDeviceRule } from '../../primitives/cgroups/index.js'
import type { DeviceNode } from '../../primitives/rootfs/index.js'
import type { DeviceMapping, HostBody } from './bodies.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export interface Devices {
  readonly devices?: readonly DeviceNode[]
  /** All that may be opened; absent: the usual ones. */
  readonly rules?: readonly DeviceRule[]
}

export function devicesOf({ Devices = [], DeviceCgroupRules = [], Privileged = false }: HostBody): Devices {
  const mapped = Devices.flatMap((mapping) => nodesOf(mapping))
  const rules = DeviceCgroupRules.map(ruleOf)
  if (mapped.length + rules.length === 0) return {}
  return {
    ...(mapped.length > 0 && { devices: mapped.map(({ node }) => node) }),
    // Of a privileged one all may be opened as it is.
    ...(!Privileged && { rules: [...DEFAULT_DEVICES, ...mapped.map(({ rule }) => rule), ...rules] }),
  }
}

function ruleOf(text: string): DeviceRule {
  try {
    return parseDeviceRule(text)
  } catch (cause) {
    throw new DrydockError(`invalid device cgroup rule format: '${text}'`, { cause, status: 400 })
  }
}

/** A node, or all that are in a directory. */
function nodesOf({ PathOnHost = '', PathInContainer = '', CgroupPermissions = '' }: DeviceMapping) {
  const inside = normalize(PathInContainer || PathOnHost)
  const access = CgroupPermissions || 'rwm'
  const gather = `error gathering device information while adding custom device "${PathOnHost}"`
  if (!isAbsolute(PathOnHost)) refuse(`${gather}: not an absolute path`)
  if (!/^[rwm]{1,3}$/.test(access)) refuse(`invalid device mode: ${access}`)
  const found = statSync(PathOnHost, { throwIfNoEntry: false })
  if (!found) return refuse(`${gather}: no such file or directory`)
  const nodes = found.isDirectory()
    ? hostDevices(PathOnHost).map((node) => ({ ...node, path: join(inside, node.path.slice(PathOnHost.length)), source: node.path }))
    : found.isCharacterDevice() || found.isBlockDevice()
      ? [{ ...deviceOf(inside, found), source: PathOnHost }]
      : []
  if (nodes.length === 0) refuse(`${gather}: not a device node`)
  if (!inside.startsWith('/dev/')) refuse(`HostConfig.Devices: a device is put below /dev of a container; ${inside} is not`)
  return nodes.map((node) => ({
    node,
    rule: { type: node.kind === 'block' ? ('b' as const) : ('c' as const), major: node.major, minor: node.minor, access },
  }))
}

const OF_IPC = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/

/** Only those of namespaces that are the container's own, as runc has it: any other would be the host's. */
export function sysctlsOf({ Sysctls = {} }: HostBody, network: NetworkMode, sharing: Sharing): Pick<ContainerSpec, 'sysctls'> {
  const names = Object.keys(Sysctls)
  for (const name of names) {
    if (!/^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_/-]+)+$/.test(name) || name.includes('..')) refuse(`sysctl "${name}" is no name of a setting`)
    const own = name.startsWith('net.') ? network.kind === 'none' || network.kind === 'networks' : OF_IPC.test(name) && !sharing.ipc
    if (!own) refuse(`sysctl "${name}" is not in a separate kernel namespace`)
  }
  return names.length > 0 ? { sysctls: Sysctls } : {}
}
