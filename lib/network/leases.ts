/**
 * Addresses in use: a file for each, `networks/<name>/leases/<address>`, which says whose it is. The container's shim makes it (under
 * another name first, so that nobody sees a half of it), holds a lock on it as long as it lives, and removes it at the end. A container
 * outlives its shim when that is killed, and has its cable still. So a file was left, and its address can be had again, when nobody has
 * locked it and the cable that it names is gone.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { close, fcntl_ofd_setlk, link, open, unlink, write } from '../kernel/calls/files.js'
import { rtnetlink_socket } from '../kernel/calls/sockets.js'
import { formatMac, parseIp } from '../kernel/ip.js'
import { link_get } from '../kernel/netlink/steps.js'
import { readNetDev } from '../kernel/proc/net.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, inPhase, ref, type Step } from '../kernel/step.js'
import { leasesDirectory } from './config.js'
import type { PublishedPort } from './ports.js'

/**
 * What a lease's file holds, as one line of JSON. One with an IPv6 address has a second file of that name, which only keeps the address: all that is asked of a lease
 * is in the first.
 */
export interface Lease {
  /** Container's id, 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly aliases: readonly string[]
  readonly address6?: string
  /** What it calls others: by alias, which is in small letters, their names. Absent: nothing. */
  readonly links?: Readonly<Record<string, string>>
  /** Whom the name service is to ask for it in place of the host's resolvers; absent: those. */
  readonly dns?: readonly string[]
  readonly mac: string
  /** Name of the cable's end on the host: while that is there the container is, even when its shim was killed. */
  readonly device: string
  /** The host's that lead to it, those that were chosen too; absent: none. */
  readonly ports?: readonly PublishedPort[]
  /**
   * The container was taken off the network (lease-changes.ts). Its shim still holds the address, and takes this file away when it ends, whatever is in it by then: so
   * nobody else is given the address until that.
   */
  readonly left?: true
}

/** The hardware address that goes with an IPv4 address, as Docker had them: 02:42 and the four bytes. Two in one network cannot be alike. */
export function macOf(address: string): string {
  return formatMac(Uint8Array.of(0x02, 0x42, ...parseIp(address).bytes))
}

/** Docker's number for a container in a network: the same for the same two. 64 hexadecimal digits. */
export const endpointId = (id: string, network: string): string => createHash('sha256').update(`${id} ${network}`).digest('hex')

/** All leases of a network by IPv4 address, stale ones too, but not those of containers that have left. A file that cannot be read yields none. */
export function readLeases(dataRoot: string, network: string): Map<string, Lease> {
  return new Map([...readAllLeases(dataRoot, network)].filter(([address, { left }]) => !left && isIPv4(address)))
}

/** Those of containers that have left too, and of both families. */
export function readAllLeases(dataRoot: string, network: string): Map<string, Lease> {
  const directory = leasesDirectory(dataRoot, network)
  const found = new Map<string, Lease>()
  for (const address of takenAddresses(dataRoot, network)) {
    try {
      found.set(address, JSON.parse(readFileSync(join(directory, address), 'utf8')) as Lease)
    } catch {
      // Gone in this moment, or somebody else's file.
    }
  }
  return found
}

/** The leases whose container lives, as far as this process's own network namespace is the one with the bridge. */
export function liveLeases(dataRoot: string, network: string): Map<string, Lease> {
  const devices = devicesHere()
  const leases = readLeases(dataRoot, network)
  for (const { address, device } of unlocked(dataRoot, network)) if (device === undefined || !devices.has(device)) leases.delete(address)
  return leases
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

/** Which of these network devices there are, in the network namespace that has the bridge. */
export type Plugged = (devices: readonly string[]) => Promise<ReadonlySet<string>>

/** In this process's own namespace. */
export const pluggedHere: Plugged = async () => devicesHere()

const devicesHere = (): ReadonlySet<string> => new Set(readNetDev()?.map(({ name }) => name))

/** In the namespace of a shim, which Node cannot look into. One at a time: a link that is not there is an error of its message. */
export const pluggedAt =
  (shim: Shim): Plugged =>
  async (devices) => {
    const socket = ref('plugged')
    const questions = devices.map((device) => link_get(socket, device, { allow: ['ENODEV'] }))
    const results = await shim.attempt(host([rtnetlink_socket({ keep: socket.ref }), ...questions, close(socket)]))
    const failed = results.find(({ status }) => status === 'failed')
    if (failed) throw new StepError(failed)
    return new Set(devices.filter((_, index) => results[index + 1]?.status === 'ok'))
  }

/** Addresses whose files nobody has locked and whose cables are gone. Without /proc/locks nobody can tell, and then there are none. */
export async function staleAddresses(dataRoot: string, network: string, plugged: Plugged = pluggedHere): Promise<string[]> {
  return (await staleLeases(dataRoot, network, plugged)).map(({ address }) => address)
}

async function staleLeases(dataRoot: string, network: string, plugged: Plugged): Promise<Unlocked[]> {
  const loose = unlocked(dataRoot, network)
  if (loose.length === 0) return []
  // After the locks: whoever has none any more plugs nothing in.
  const devices = await plugged(loose.flatMap(({ device }) => device ?? []))
  return loose.filter(({ device }) => device === undefined || !devices.has(device))
}

/** Does a living shim hold it? True where nobody can tell. */
export function isLocked(dataRoot: string, network: string, address: string): boolean {
  const inode = statSync(join(leasesDirectory(dataRoot, network), address), { bigint: true, throwIfNoEntry: false })?.ino
  return inode !== undefined && (lockedInodes()?.has(inode) ?? true)
}

interface Unlocked {
  readonly address: string
  readonly inode: bigint
  /** The cable that it names. */
  readonly device: string | undefined
}

/** Leases that nobody has locked. */
function unlocked(dataRoot: string, network: string): Unlocked[] {
  const directory = leasesDirectory(dataRoot, network)
  // Inodes first: a lease that is made after this look is not among them, and is not judged by locks that are older than it.
  const files = [...takenAddresses(dataRoot, network)].map((address) => ({
    address,
    inode: statSync(join(directory, address), { bigint: true, throwIfNoEntry: false })?.ino,
  }))
  const locked = files.length > 0 ? lockedInodes() : undefined
  if (!locked) return []
  const leases = readAllLeases(dataRoot, network)
  return files.flatMap(({ address, inode }) =>
    inode === undefined || locked.has(inode) ? [] : [{ address, inode, device: leases.get(address)?.device }],
  )
}

/**
 * Remove the stale leases of a network, or those that are `wanted`; their addresses. One at a time does this, so that none removes what
 * another has just given away.
 */
export async function reclaim(
  dataRoot: string,
  network: string,
  plugged: Plugged = pluggedHere,
  wanted: (address: string) => boolean = () => true,
): Promise<string[]> {
  const directory = leasesDirectory(dataRoot, network)
  const reclaimed = await guarded(directory, async () => {
    const stale = (await staleLeases(dataRoot, network, plugged)).filter(({ address }) => wanted(address))
    for (const { address, inode } of stale) {
      const path = join(directory, address)
      // A container that was ending when we looked has removed it by now, and the next one may have the address already.
      if (statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true })
    }
    return stale.map(({ address }) => address)
  })
  return reclaimed ?? []
}

/** Undefined when somebody else is at it. */
export async function guarded<T>(directory: string, act: () => Promise<T>): Promise<T | undefined> {
  const guard = join(directory, '.reclaim')
  if (!enter(guard)) return undefined
  try {
    return await act()
  } finally {
    rmSync(guard, { force: true })
  }
}

/** Longer than this, in milliseconds, no reclaim takes: one that did has died. */
const LONGEST_RECLAIM = 10_000

function enter(guard: string, again = true): boolean {
  try {
    closeSync(openSync(guard, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const made = statSync(guard, { throwIfNoEntry: false })?.mtimeMs
    if (made === undefined || Date.now() - made <= LONGEST_RECLAIM || !again) return false
    rmSync(guard, { force: true })
    return enter(guard, false)
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

/** Addresses of which there is a file. */
export function takenAddresses(dataRoot: string, network: string): Set<string> {
  try {
    return new Set(readdirSync(leasesDirectory(dataRoot, network)).filter((name) => !name.startsWith('.')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    throw error
  }
}
