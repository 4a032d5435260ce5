/** How requests name network devices and network namespaces. netdevice(7). */
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import type { Descriptor } from '../step.js'
import { type Attribute, string, u32 } from './message.js'

/**
 * A device by its index, and by its name where that is known (for people: the kernel takes the index). The index of a device that a plan
 * makes can be chosen when it is made; `lo` is 1 in every network namespace.
 */
export type Device = number | { readonly index: number; readonly name: string }

/** The loopback device, the first in every network namespace. */
export const LOOPBACK: Device = { index: 1, name: 'lo' }

/** The network namespace of a process (its id as the sender's pid namespace has it), or the one behind a descriptor. */
export type NetworkNamespace = { readonly pid: Descriptor } | { readonly fd: Descriptor }

export const indexOf = (device: Device): number => (typeof device === 'number' ? device : device.index)

/** A device as the `ip` command takes it: `eth0`, or `if7` for one of which only the index is known. */
export function deviceWord(device: Device | string): string {
  if (typeof device === 'string') return device
  if (typeof device === 'object') return device.name
  return device === 1 ? 'lo' : `if${device}`
}

/** A name as the kernel takes it for a device, or an error that says what is wrong with it. */
export function checkedName(name: string): string {
  const bytes = Buffer.byteLength(name)
  if (bytes < 1 || bytes > 15) throw new DrydockError(`'${name}' cannot be a network device's name: it must have 1 to 15 bytes`)
  if (name === '.' || name === '..' || /[/:\s\0]/.test(name)) {
    throw new DrydockError(`'${name}' cannot be a network device's name: no slash, colon or space may be in it`)
  }
  return name
}

/** An index as the kernel takes it for a new device. */
export function checkedIndex(index: number): number {
  if (!Number.isInteger(index) || index < 1 || index > 0x7fff_ffff) throw new DrydockError(`${index} cannot be a network device's index`)
  return index
}

/** IFLA_IFNAME. */
export const nameAttribute = (name: string): Attribute => string(constant('ifla', 'ifname'), checkedName(name))

/** IFLA_NET_NS_PID or IFLA_NET_NS_FD: where the device goes or is made. */
export function namespaceAttribute(namespace: NetworkNamespace): Attribute {
  return 'pid' in namespace ? u32(constant('ifla', 'net_ns_pid'), namespace.pid) : u32(constant('ifla', 'net_ns_fd'), namespace.fd)
}

/** As the `ip` command takes it: a process id, or a file whose name has a slash in it. */
export function namespaceWord(namespace: NetworkNamespace): string {
  const number = (descriptor: Descriptor) => (typeof descriptor === 'number' ? String(descriptor) : `<${descriptor.ref}>`)
  return 'pid' in namespace ? number(namespace.pid) : `/proc/self/fd/${number(namespace.fd)}`
}
