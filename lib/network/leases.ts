/**
 * Addresses in use: a file for each, `networks/<name>/leases/<address>`, which says whose it is. The container's shim makes it (under
 * another name first, so that nobody sees a half of it), holds a lock on it as long as it lives, and removes it at the end. A file
 * that nobody has locked was left by a shim that was killed, and its address can be had again.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fcntl_ofd_setlk, link, open, unlink, write } from '../kernel/calls/files.js'
import { DrydockError } from '../kernel/errors.js'
import { formatMac, parseIp, parsePrefix } from '../kernel/ip.js'
import { inPhase, ref, type Step } from '../kernel/step.js'
import { leasesDirectory, type NetworkConfig } from './config.js'
import { addressOf, numberOf, rangeOf } from './pool.js'

/** What a lease's file holds, as one line of JSON. */
export interface Lease {
  /** Container's id, 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly aliases: readonly string[]
  readonly mac: string
  /** Name of the cable's end on the host: while that is there the container is, even when its shim was killed. */
  readonly device: string
}

/** The hardware address that goes with an IPv4 address, as Docker had them: 02:42 and the four bytes. Two in one network cannot be alike. */
export function macOf(address: string): string {
  return formatMac(Uint8Array.of(0x02, 0x42, ...parseIp(address).bytes))
}

/** All leases of a network by address, stale ones too. A file that cannot be read yields none. */
export function readLeases(dataRoot: string, network: string): Map<string, Lease> {
  const directory = leasesDirectory(dataRoot, network)
  const found = new Map<string, Lease>()
  for (const address of taken(directory)) {
    try {
      found.set(address, JSON.parse(readFileSync(join(directory, address), 'utf8')) as Lease)
    } catch {
      // Gone in this moment, or somebody else's file.
    }
  }
  return found
}

/** The leases whose container lives. */
export function liveLeases(dataRoot: string, network: string): Map<string, Lease> {
  const stale = staleAddresses(dataRoot, network)
  return new Map([...readLeases(dataRoot, network)].filter(([address]) => !stale.includes(address)))
}

/** The address to ask for: the wanted one, or the lowest that nobody has; stale leases are taken away when they are in the way. */
export function chooseAddress(dataRoot: string, config: NetworkConfig, wanted?: string): string {
  const directory = leasesDirectory(dataRoot, config.name)
  if (wanted !== undefined) {
    const address = checkedAddress(config, wanted)
    if (taken(directory).has(address)) reclaim(dataRoot, config.name)
    if (taken(directory).has(address))
      throw new DrydockError(`Address already in use: ${address} in network ${config.name}`, { status: 403 })
    return address
  }
  const found = lowestFree(config, taken(directory))
  if (found !== undefined) return found
  reclaim(dataRoot, config.name)
  const second = lowestFree(config, taken(directory))
  if (second !== undefined) return second
  const { first, last } = rangeOf(parsePrefix(config.subnet))
  throw new DrydockError(
    `no available IPv4 addresses on this network's address pools: all ${last - first - 2} of network ${config.name} (${config.subnet}) are in use; stop a container, or make a larger network`,
    { status: 403 },
  )
}

/** Host's steps that take an address, or fail with EEXIST; their undo gives it back. `slot` makes the kept names unique within a plan. */
export function leaseSteps(dataRoot: string, network: string, address: string, lease: Lease, slot: string): Step[] {
  const directory = leasesDirectory(dataRoot, network)
  const [path, draft] = [join(directory, address), join(directory, `.${lease.id}`)]
  const file = ref(slot)
  return inPhase('prepare', 'host', [
    open(draft, ['creat', 'excl', 'wronly'], { mode: 0o644, keep: slot, undo: [unlink(draft, { allow: ['ENOENT'] })] }),
    fcntl_ofd_setlk(file, {
      why: 'As long as the lock is held, the lease is valid: the kernel gives it up when the shim ends, however that happens.',
    }),
    write(file, `${JSON.stringify(lease)}\n`, { why: 'Whose address it is. The name service reads it.' }),
    link(draft, path, {
      why: `Of two that want ${address}, one gets it: the other’s link is refused with EEXIST.`,
      undo: [unlink(path, { allow: ['ENOENT'] })],
    }),
    unlink(draft, { why: 'The file has its lasting name.' }),
  ])
}

/** Addresses whose files nobody has locked, and whose cables are gone. Without /proc/locks nobody can tell, and then there are none. */
export function staleAddresses(dataRoot: string, network: string): string[] {
  const directory = leasesDirectory(dataRoot, network)
  const addresses = [...taken(directory)]
  if (addresses.length === 0) return []
  // Inodes first: a lease that is made after this look is not among them, and is not judged by locks that are older than it.
  const files = addresses.map((address) => ({
    address,
    inode: statSync(join(directory, address), { bigint: true, throwIfNoEntry: false })?.ino,
  }))
  const locked = lockedInodes()
  if (!locked) return []
  const loose = files.flatMap(({ address, inode }) => (inode === undefined || locked.has(inode) ? [] : [address]))
  return loose.length === 0 ? [] : loose.filter((address) => !hasDevice(join(directory, address)))
}

/** Is the cable of this lease plugged in, in this process's network namespace? */
function hasDevice(path: string): boolean {
  try {
    const { device } = JSON.parse(readFileSync(path, 'utf8')) as Lease
    return readFileSync('/proc/self/net/dev', 'utf8').includes(`${device}:`)
  } catch {
    return false
  }
}

/** Remove the stale leases of a network; their addresses. One at a time does this, so that none removes what another has just given away. */
export function reclaim(dataRoot: string, network: string): string[] {
  const directory = leasesDirectory(dataRoot, network)
  const guard = join(directory, '.reclaim')
  if (!enter(guard)) return []
  try {
    const stale = staleAddresses(dataRoot, network)
    for (const address of stale) unlinkSync(join(directory, address))
    return stale
  } finally {
    unlinkSync(guard)
  }
}

/** Longer than this, in milliseconds, no reclaim takes: one that did has died. */
const LONGEST_RECLAIM = 10_000

function enter(guard: string): boolean {
  try {
    closeSync(openSync(guard, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const made = statSync(guard, { throwIfNoEntry: false })?.mtimeMs
    if (made !== undefined && Date.now() - made > LONGEST_RECLAIM) unlinkSync(guard)
    return false
  }
}

/**
 * Inode numbers of all locks of open file descriptions (OFDLCK, proc_locks(5)). Their devices are not compared: btrfs shows another
 * one there than stat(2) does, and a number that agrees by chance only keeps a lease that could have gone.
 */
function lockedInodes(): Set<bigint> | undefined {
  let text: string
  try {
    text = readFileSync('/proc/locks', 'utf8')
  } catch {
    return undefined
  }
  return new Set([...text.matchAll(/: OFDLCK .*? [0-9a-f]+:[0-9a-f]+:([0-9]+) /g)].map(([, inode]) => BigInt(inode as string)))
}

function taken(directory: string): Set<string> {
  try {
    return new Set(readdirSync(directory).filter((name) => !name.startsWith('.')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    throw error
  }
}

function lowestFree({ subnet, gateway }: NetworkConfig, used: ReadonlySet<string>): string | undefined {
  const { first, last } = rangeOf(parsePrefix(subnet))
  for (let number = first + 1; number < last; number++) {
    const address = addressOf(number)
    if (address !== gateway && !used.has(address)) return address
  }
  return undefined
}

function checkedAddress({ name, subnet, gateway }: NetworkConfig, wanted: string): string {
  const ip = parseIp(wanted)
  const { first, last } = rangeOf(parsePrefix(subnet))
  const number = ip.family === 4 ? numberOf(ip.bytes) : -1
  if (number <= first || number >= last) {
    throw new DrydockError(`invalid address ${wanted}: it does not belong to network ${name}, which is ${subnet}`, { status: 400 })
  }
  const address = addressOf(number)
  if (address === gateway) throw new DrydockError(`Address already in use: ${address} is the gateway of network ${name}`, { status: 403 })
  return address
}
