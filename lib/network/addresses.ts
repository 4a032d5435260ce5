/** Which address a container gets: the one that it asks for, or a free one of its network's. */
import { DrydockError } from '../kernel/errors.js'
import { parseIp, parsePrefix } from '../kernel/ip.js'
import type { NetworkConfig } from './config.js'
import { type Plugged, pluggedHere, reclaim, takenAddresses } from './leases.js'
import { addressOf, numberOf, rangeOf } from './pool.js'
import { checkedAddress6, freeAddress6, type Ipv6Place } from './pool6.js'

export interface AddressRequest {
  /** An address of one's own choice. */
  readonly wanted?: string
  /** From 1 on: how many times somebody else was quicker, and one. */
  readonly attempt?: number
  /** Where the network's bridge is; this process's own network namespace by default. */
  readonly plugged?: Plugged
  /** A whole number from 0 to below the argument. */
  readonly random?: (below: number) => number
}

/** An address of one's own choice is in a subnet of one's own choice: another day the pool gives the network another one. Docker's sentence. */
export function checkWanted(
  { more, ipv6 }: Pick<NetworkConfig, 'more' | 'ipv6'>,
  { ip, ip6 }: { readonly ip?: string; readonly ip6?: string },
): void {
  if ((ip !== undefined && more?.subnetUnsaid) || (ip6 !== undefined && ipv6?.subnetUnsaid)) {
    throw new DrydockError('user specified IP address is supported only when connecting to networks with user configured subnets', {
      status: 400,
    })
  }
}

/** The address to ask for; stale leases are taken away when they are in the way. */
export async function chooseAddress(dataRoot: string, config: NetworkConfig, request: AddressRequest = {}): Promise<string> {
  const { wanted, plugged = pluggedHere } = request
  if (wanted !== undefined) {
    checkWanted(config, { ip: wanted })
    const address = checkedAddress(config, wanted)
    if (takenAddresses(dataRoot, config.name).has(address)) await reclaim(dataRoot, config.name, plugged)
    if (takenAddresses(dataRoot, config.name).has(address)) throw inUse(`${address} in network ${config.name}`)
    return address
  }
  const found = free(dataRoot, config, request)
  if (found !== undefined) return found
  await reclaim(dataRoot, config.name, plugged)
  const second = free(dataRoot, config, request)
  if (second !== undefined) return second
  const { first, last } = givenRange(config)
  const gateway = numberOf(parseIp(config.gateway).bytes)
  const all = last - first + 1 - (gateway >= first && gateway <= last ? 1 : 0)
  throw new DrydockError(
    `no available IPv4 addresses on this network's address pools: all ${all} of network ${config.name} (${config.more?.range ?? config.subnet}) are in use; stop a container, or make a larger network`,
    { status: 403 },
  )
}

/** The same of IPv6, for whoever has this IPv4 address. */
export async function chooseAddress6(
  dataRoot: string,
  config: NetworkConfig,
  place: Ipv6Place,
  address: string,
  { wanted, plugged = pluggedHere }: AddressRequest = {},
): Promise<string> {
  const taken = takenAddresses(dataRoot, config.name)
  if (wanted !== undefined) {
    checkWanted(config, { ip6: wanted })
    const asked = checkedAddress6(place.subnet, wanted)
    if (asked === place.gateway) throw inUse(`${asked} is the gateway of network ${config.name}`)
    const [owner] = Object.entries(place.reserved ?? {}).find(([, reserved]) => reserved === asked) ?? []
    if (owner !== undefined) throw inUse(`${asked} is reserved in network ${config.name}, for ${owner}`)
    if (taken.has(asked)) await reclaim(dataRoot, config.name, plugged)
    if (takenAddresses(dataRoot, config.name).has(asked)) throw inUse(`${asked} in network ${config.name}`)
    return asked
  }
  const offset = numberOf(parseIp(address).bytes) - rangeOf(parsePrefix(config.subnet)).first
  const found = freeAddress6(place, offset, (one) => taken.has(one))
  if (found !== undefined) return found
  await reclaim(dataRoot, config.name, plugged)
  const left = takenAddresses(dataRoot, config.name)
  const second = freeAddress6(place, offset, (one) => left.has(one))
  if (second !== undefined) return second
  throw new DrydockError(`no available IPv6 addresses on this network's address pools: ${config.name} (${place.range ?? place.subnet})`, {
    status: 403,
  })
}

const inUse = (what: string): DrydockError => new DrydockError(`Address already in use: ${what}`, { status: 403 })

/** From how many free addresses the second attempt takes one; each further attempt has twice as many to choose from. */
const SECOND_CHOICE = 32
const LARGEST_CHOICE = 4096

/**
 * The lowest free address at the first attempt, so that addresses stay few and small. Who has lost it to somebody quicker is one of a
 * crowd, whose members would all ask for the same one again: from the second attempt on it is any of the lowest ones.
 */
function free(dataRoot: string, config: NetworkConfig, { attempt = 1, random = anyBelow }: AddressRequest): string | undefined {
  const wide = attempt === 1 ? 1 : Math.min(LARGEST_CHOICE, SECOND_CHOICE * 2 ** (attempt - 2))
  const choice = lowestFree(config, takenAddresses(dataRoot, config.name), wide)
  return choice[choice.length <= 1 ? 0 : random(choice.length)]
}

const anyBelow = (below: number): number => Math.floor(Math.random() * below)

/** So many free addresses, or as many as there are. */
function lowestFree(config: NetworkConfig, used: ReadonlySet<string>, count: number): string[] {
  const { first, last } = givenRange(config)
  const reserved = Object.values(config.more?.reserved ?? {})
  const found: string[] = []
  for (let number = first; number <= last && found.length < count; number++) {
    const address = addressOf(number)
    if (address !== config.gateway && !used.has(address) && !reserved.includes(address)) found.push(address)
  }
  return found
}

/** From which containers get theirs: the first and the last, as numbers. The subnet's own first and last are nobody's. */
export function givenRange({ subnet, more }: Pick<NetworkConfig, 'subnet' | 'more'>): { first: number; last: number } {
  const whole = rangeOf(parsePrefix(subnet))
  const part = more?.range === undefined ? whole : rangeOf(parsePrefix(more.range))
  return { first: Math.max(part.first, whole.first + 1), last: Math.min(part.last, whole.last - 1) }
}

function checkedAddress({ name, subnet, gateway, more }: NetworkConfig, wanted: string): string {
  const ip = parseIp(wanted)
  const { first, last } = rangeOf(parsePrefix(subnet))
  const number = ip.family === 4 ? numberOf(ip.bytes) : -1
  if (number <= first || number >= last) {
    throw new DrydockError(`invalid address ${wanted}: it does not belong to network ${name}, which is ${subnet}`, { status: 400 })
  }
  const address = addressOf(number)
  if (address === gateway) throw inUse(`${address} is the gateway of network ${name}`)
  const [owner] = Object.entries(more?.reserved ?? {}).find(([, reserved]) => reserved === address) ?? []
  if (owner !== undefined) throw inUse(`${address} is reserved in network ${name}, for ${owner}`)
  return address
}
