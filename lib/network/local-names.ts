/** What a network's own names are, and what they answer to a question. RFC 1034, RFC 1035, RFC 3596. */
import { statSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import type { Answer, Packet } from 'dns-packet'
import { formatIp } from '../kernel/ip.js'
import { leasesDirectory, networkOf } from './config.js'
import { type Lease, liveLeases } from './leases.js'
import { within } from './pool.js'

export interface Names {
  readonly network: string
  /** Of each family that the network has. */
  readonly subnets: readonly string[]
  /** Lower-case name → addresses. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
  /** Address → name. */
  readonly names: ReadonlyMap<string, string>
  /** Address → the container's id. */
  readonly ids: ReadonlyMap<string, string>
  /** The container's id → what it calls others: lower-case alias → lower-case name. */
  readonly links: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** The container's id → its own resolvers. */
  readonly resolvers: ReadonlyMap<string, readonly string[]>
}

/** A container is found by its name, its aliases, its host name, its id and the first twelve digits of that. */
export function collectNames(network: string, subnets: readonly string[], leases: ReadonlyMap<string, Lease>): Names {
  const addresses = new Map<string, string[]>()
  const hosts = new Map<string, string[]>()
  const names = new Map<string, string>()
  const ids = new Map<string, string>()
  const links = new Map<string, Readonly<Record<string, string>>>()
  const resolvers = new Map<string, readonly string[]>()
  for (const [address, { id, name, hostname, aliases, address6, dns, ...lease }] of leases) {
    const own = address6 === undefined ? [address] : [address, address6]
    for (const one of own) {
      names.set(one, name)
      ids.set(one, id)
    }
    if (lease.links) links.set(id, lease.links)
    if (dns) resolvers.set(id, dns)
    for (const one of new Set([name, ...aliases, id, id.slice(0, 12)].map((each) => each.toLowerCase()))) {
      addresses.set(one, [...(addresses.get(one) ?? []), ...own])
    }
    hosts.set(hostname.toLowerCase(), [...(hosts.get(hostname.toLowerCase()) ?? []), ...own])
  }
  // Nobody has asked for these to be names there: what somebody has is that one's.
  for (const [host, own] of hosts) if (!addresses.has(host)) addresses.set(host, own)
  return { network, subnets, addresses, names, ids, links, resolvers }
}

/** In milliseconds: a container whose shim was killed leaves no trace in the directory, so that one is looked at again after a while. */
const LONGEST_TRUST = 1000

/** The names as they are at each call; read again when the directory of leases has changed. */
export function namesOf(dataRoot: string, network: string): () => Names {
  const { subnet, ipv6 } = networkOf(dataRoot, network)
  const subnets = ipv6 ? [subnet, ipv6.subnet] : [subnet]
  const directory = leasesDirectory(dataRoot, network)
  let found: { names: Names; changed: bigint | undefined; read: number } | undefined
  return () => {
    const changed = statSync(directory, { bigint: true, throwIfNoEntry: false })?.mtimeNs
    const now = performance.now()
    if (!found || found.changed !== changed || now - found.read > LONGEST_TRUST) {
      found = { names: collectNames(network, subnets, liveLeases(dataRoot, network)), changed, read: now }
    }
    return found.names
  }
}

const AUTHORITATIVE = 0x0400
const RECURSION_DESIRED = 0x0100
const RECURSION_AVAILABLE = 0x80
const NXDOMAIN = 3

/** In seconds: an address may be another container's in the next moment, so nobody is to remember it. */
const TTL = 0

/** The answer to a question about this network; undefined for one that is for others. `asker`: the id of the container that asks. */
export function answerLocally(query: Packet, names: Names, asker?: string): Packet | undefined {
  const [question] = query.questions ?? []
  if (!question) return undefined
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (question.type === 'PTR') {
    const address = reversed(name)
    if (address === undefined || !names.subnets.some((subnet) => within(subnet, address))) return undefined
    const target = names.names.get(address)
    if (target === undefined) return response(query, [], NXDOMAIN)
    return response(query, [{ type: 'PTR', name: question.name, ttl: TTL, data: `${target}.${names.network}` }])
  }
  const found = find(names, linkedTo(names, asker, name) ?? name)
  if (!found) return undefined
  // Every type that it has not got: the name is there and has nothing of the kind. NXDOMAIN would be taken for the others as well.
  return response(query, answersOf(question.type, question.name, found))
}

/** What the asker calls by that name. */
function linkedTo({ links }: Names, asker: string | undefined, name: string): string | undefined {
  const own = asker === undefined ? undefined : links.get(asker)
  return own && Object.hasOwn(own, name) ? own[name] : undefined
}

function find({ addresses, network }: Names, name: string): readonly string[] | undefined {
  const suffix = `.${network.toLowerCase()}`
  return addresses.get(name) ?? (name.endsWith(suffix) ? addresses.get(name.slice(0, -suffix.length)) : undefined)
}

function answersOf(type: string, name: string, addresses: readonly string[]): Answer[] {
  if (type === 'A') return addresses.filter((one) => isIPv4(one)).map((data) => ({ type, name, ttl: TTL, data }))
  if (type === 'AAAA') return addresses.filter((one) => isIPv6(one)).map((data) => ({ type, name, ttl: TTL, data }))
  return []
}

function response(query: Packet, answers: Answer[], code = 0): Packet {
  const { id, flags = 0, questions = [] } = query
  const own = (flags & RECURSION_DESIRED) | RECURSION_AVAILABLE | AUTHORITATIVE | code
  return { type: 'response', ...(id !== undefined && { id }), flags: own, questions, answers }
}

/** `2.0.17.172.in-addr.arpa` is the name of 172.17.0.2; of an IPv6 address, each of the 32 digits is a part before `ip6.arpa`. */
function reversed(name: string): string | undefined {
  const [, digits] = /^((?:[0-9]{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? []
  const four = digits?.split('.').filter(Boolean).reverse().join('.')
  if (four !== undefined) return isIPv4(four) ? four : undefined
  const [, nibbles] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? []
  return nibbles && formatIp(Buffer.from(nibbles.replaceAll('.', '').split('').reverse().join(''), 'hex'))
}
