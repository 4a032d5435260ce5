/**
 * Leases of containers that run, changed while they do: a container leaves a network and comes back, gets another name, ends.
 *
 * The shim that has started a container removes its leases by their paths when it ends, whatever is in them by then. So a file that a living shim has locked keeps
 * its place: only its content changes, in one write.
 */
import { closeSync, ftruncateSync, openSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { leasesDirectory, readNetworks } from './config.js'
import { guarded, isLocked, type Lease, readAllLeases, readLeases } from './leases.js'

/** The container's lease of this network, also one that it has left. */
export function leaseOf(dataRoot: string, network: string, id: string): { readonly address: string; readonly lease: Lease } | undefined {
  const [found] = [...readAllLeases(dataRoot, network)]
    .filter(([address, lease]) => lease.id === id && isIPv4(address))
    .sort(([, a], [, b]) => rank(a) - rank(b))
  return found && { address: found[0], lease: found[1] }
}

/** It may have left one address and been given another one. */
const rank = ({ left }: Lease): number => (left ? 1 : 0)

/** The container is off the network; its ports are what it may take along. */
export function leave(dataRoot: string, network: string, address: string, lease: Lease): void {
  const { address6 } = lease
  if (address6 !== undefined && !isLocked(dataRoot, network, address6))
    rmSync(join(leasesDirectory(dataRoot, network), address6), { force: true })
  if (isLocked(dataRoot, network, address)) return rewrite(dataRoot, network, address, { ...lease, left: true })
  rmSync(join(leasesDirectory(dataRoot, network), address), { force: true })
}

/** What stands in a lease that is the container's already. */
export function rewrite(dataRoot: string, network: string, address: string, lease: Lease): void {
  const directory = leasesDirectory(dataRoot, network)
  const file = openSync(join(directory, address), 'r+')
  try {
    const before = statSync(join(directory, address)).size
    // JSON takes blanks behind it: whoever reads meanwhile finds one or the other, and never an end that is cut off.
    const bytes = Buffer.from(`${JSON.stringify(lease)}\n`.padEnd(before))
    writeSync(file, bytes, 0, bytes.length, 0)
    ftruncateSync(file, bytes.length)
  } finally {
    closeSync(file)
  }
  // By this the name service notices.
  const now = new Date()
  utimesSync(directory, now, now)
}

/** Another name for whoever has an address. */
export function renameLease(dataRoot: string, network: string, address: string, id: string, name: string): void {
  const lease = readLeases(dataRoot, network).get(address)
  if (lease?.id === id) rewrite(dataRoot, network, address, { ...lease, name })
}

/** Milliseconds between two looks while somebody else reclaims leases, and for how many of them. */
const PAUSE = 5
const MOST_LOOKS = 200

/** The container has ended, and its shim too: no lease is its any more. */
export async function forgetLeases(dataRoot: string, id: string): Promise<void> {
  for (const { name: network } of readNetworks(dataRoot)) {
    const own = () => [...readAllLeases(dataRoot, network)].flatMap(([address, lease]) => (lease.id === id ? [address] : []))
    const directory = leasesDirectory(dataRoot, network)
    for (let look = 1; look <= MOST_LOOKS && own().length > 0; look++) {
      const done = await guarded(directory, async () => {
        for (const address of own()) if (!isLocked(dataRoot, network, address)) rmSync(join(directory, address), { force: true })
        return true
      })
      if (done) break
      await sleep(PAUSE)
    }
  }
}
