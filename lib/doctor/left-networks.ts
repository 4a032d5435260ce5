/**
 * What networks leave: leases of containers whose shim was killed; and, when no container runs, bridges and the table of the packet
 * filter, which are no harm and are made again when they are needed.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sentenceOf } from '../kernel/errors.js'
import { loneShim, withLoneShim } from '../kernel/lone.js'
import { readOwnTables } from '../kernel/nft.js'
import { dataRoot } from '../kernel/places.js'
import { readNetDev } from '../kernel/proc/net.js'
import type { Shim } from '../kernel/shim.js'
import { bridgeState } from '../network/bridge.js'
import { leasesDirectory, type NetworkConfig, readNetworks } from '../network/config.js'
import { pluggedHere, reclaim, staleAddresses } from '../network/leases.js'
import { linksAt, removeLink } from '../network/links.js'
import { TABLE } from '../network/nft.js'
import { runNft } from '../network/run-nft.js'
import type { Leftover } from './leftovers.js'
import { findMakers, ID, type Makers, ownRoot } from './makers.js'
import { unlinkUnlessGone } from './unlink.js'

/** One for each family that a network has had. */
const RULES = ['ip', 'ip6'].map((family) => `${family} ${TABLE}`)

export async function inspectNetworks(makers: Makers = findMakers()): Promise<Leftover[]> {
  const root = dataRoot()
  if (!ownRoot(root)) return []
  const networks = readNetworks(root)
  const leases = await Promise.all(networks.map(({ name }) => leasesOf(root, name, makers)))
  return [...leases.flat(), ...(await inKernel(networks, makers))]
}

async function leasesOf(root: string, network: string, makers: Makers): Promise<Leftover[]> {
  const directory = leasesDirectory(root, network)
  const kept = (path: string) => {
    const reason = makers.reason(lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    return reason === undefined ? {} : { kept: reason }
  }
  const stale = (await staleAddresses(root, network)).map((address) => {
    const says = `the address ${address} of network ${network}: nobody holds it, and its cable is gone`
    return { kind: 'lease' as const, name: join(directory, address), says }
  })
  const drafts = draftsIn(directory, makers).map((name) => {
    const path = join(directory, name)
    return { kind: 'lease' as const, name: path, says: `the beginning of a lease of network ${network}`, ...kept(path) }
  })
  return [...stale, ...drafts]
}

/** A lease is written under its container's id before it gets its address for a name. */
function draftsIn(directory: string, { running }: Makers): string[] {
  try {
    return readdirSync(directory).filter((name) => name.startsWith('.') && ID.test(name.slice(1)) && !running.has(name.slice(1)))
  } catch {
    return []
  }
}

/** Bridges and rules of this network namespace. Only root's networks have any. */
async function inKernel(networks: readonly NetworkConfig[], makers: Makers): Promise<Leftover[]> {
  if (process.geteuid?.() !== 0 || makers.running.size > 0) return []
  const devices = new Set(readNetDev()?.map(({ name }) => name))
  const bridges = networks.filter(({ bridge }) => devices.has(bridge))
  const tables = await readOwnTables()
  const rules = typeof tables === 'string' ? [] : RULES.filter((rule) => tables.some(({ name }) => name === rule))
  if (bridges.length === 0 && rules.length === 0) return []
  const busy = makers.reason(Date.now())
  const plugged = await withLoneShim((shim) => portsOf(shim, bridges))
  const again = 'no container runs, and drydock makes it again when one needs it'
  const all = [...plugged.values()].flat()
  return [
    ...rules.map((name) => ({ kind: 'rules' as const, name, says: `the nft table of all networks; ${again}`, ...keptBy(busy, all) })),
    ...bridges.map(({ name, bridge }) => ({
      kind: 'bridge' as const,
      name: bridge,
      says: `the bridge of network ${name}; ${again}`,
      ...keptBy(busy, plugged.get(bridge) ?? []),
    })),
  ]
}

function keptBy(busy: string | undefined, plugged: readonly string[]): { kept?: string } {
  if (plugged.length > 0) return { kept: `${plugged.slice(0, 3).join(', ')} ${plugged.length === 1 ? 'is' : 'are'} plugged in` }
  return busy === undefined ? {} : { kept: busy }
}

/** Names of the devices that are ports of these bridges. */
async function portsOf(shim: Shim, bridges: readonly NetworkConfig[]): Promise<Map<string, string[]>> {
  const links = await linksAt(shim)
  return new Map(
    bridges.map(({ bridge, index }) => [bridge, links.flatMap(({ name, master }) => (master === index ? [name] : []))] as const),
  )
}

/** Looked at again right before. */
export async function removeNetworkThing({ kind, name }: Leftover): Promise<string | undefined> {
  const again = (await inspectNetworks()).find((one) => one.kind === kind && one.name === name)
  if (!again) return undefined
  if (again.kept !== undefined) return again.kept
  if (kind === 'lease') return removeLease(name)
  if (kind === 'rules') {
    const { code, stderr } = await runNft(loneShim, ['delete', 'table', ...name.split(' ')])
    return code === 0 ? undefined : `nft: ${stderr.trim().split('\n')[0]}`
  }
  const config = readNetworks(dataRoot()).find(({ bridge }) => bridge === name)
  try {
    return config && (await withLoneShim((shim) => removeBridge(shim, config)))
  } catch (error) {
    return sentenceOf(error as Error)
  }
}

/** A device of that name that is none of ours is an error, and stays. */
async function removeBridge(shim: Shim, config: NetworkConfig): Promise<undefined> {
  if ((await bridgeState(shim, config)) === 'absent') return
  await removeLink(shim, { name: config.bridge, index: config.index })
}

async function removeLease(path: string): Promise<string | undefined> {
  const [, network = '', file = ''] = /\/([^/]+)\/leases\/([^/]+)$/.exec(path) ?? []
  if (!file.startsWith('.')) {
    const gone = await reclaim(dataRoot(), network, pluggedHere, (address) => address === file)
    return gone.length > 0 ? undefined : 'somebody else is taking stale leases away'
  }
  return unlinkUnlessGone(path)
}
