/**
 * Published ports of a container whose networks change. Its own shim holds them as long as it lives; where they lead is said by one of its leases, or by none: then
 * they wait in the lease of a network that it has left.
 */

import { isIPv4 } from 'node:net'
import { readNetworks } from '../../network/config.js'
import { type PublishedPort, rewriteLease } from '../../network/index.js'
import { isLocked, readAllLeases } from '../../network/leases.js'

function leasesOf(dataRoot: string, id: string) {
  return readNetworks(dataRoot).flatMap(({ name: network }) =>
    [...readAllLeases(dataRoot, network)].flatMap(([address, lease]) =>
      lease.id === id && isIPv4(address) ? [{ network, address, lease }] : [],
    ),
  )
}

/** Those that lead nowhere now. */
export function homelessPorts(dataRoot: string, id: string): readonly PublishedPort[] {
  const leases = leasesOf(dataRoot, id)
  if (leases.some(({ lease }) => !lease.left && lease.ports?.length)) return []
  return leases.find(({ lease }) => lease.left && lease.ports?.length)?.lease.ports ?? []
}

/** Remember ports that lead nowhere, where the container's own shim keeps a lease. */
export function keepPorts(dataRoot: string, id: string, ports: readonly PublishedPort[]): void {
  const kept = leasesOf(dataRoot, id).find(({ network, address, lease }) => lease.left && isLocked(dataRoot, network, address))
  if (kept) rewriteLease(dataRoot, kept.network, kept.address, { ...kept.lease, ports })
}
