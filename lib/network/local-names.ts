/** What a network's own names are, and what they answer to a question. RFC 1034, RFC 1035. */
import { statSync } from 'node:fs'
import type { Answer, Packet } from 'dns-packet'
import { parsePrefix } from '../kernel/ip.js'
import { leasesDirectory, networkOf } from './config.js'
import { type Lease, liveLeases } from './leases.js'
import { numberOf, rangeOf } from './pool.js'

export interface Names {
  readonly network: string
  readonly subnet: string
  /** Lower-case name → addresses. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
  /** Address → name. */
  readonly names: ReadonlyMap<string, string>
  /** Address → the container's id. */
  readonly ids: ReadonlyMap<string, string>
}

/** A container is found by its name, its aliases, its id and the first twelve digits of that. */
export function collectNames(network: string, subnet: string, leases: ReadonlyMap<string, Lease>): Names {
  const addresses = new Map<string, string[]>()
  const names = new Map<string, string>()
  const ids = new Map<string, string>()
  for (const [address, { id, name, aliases }] of leases) {
    names.set(address, name)
    ids.set(address, id)
    for (const one of new Set([name, ...aliases, id, id.slice(0, 12)].map((each) => each.toLowerCase()))) {
      addresses.set(one, [...(addresses.get(one) ?? []), address])
    }
  }
  return { network, subnet, addresses, names, ids }
}

/** In milliseconds: a container whose shim was killed leaves no trace in the directory, so that one is looked at again after a while. */
const LONGEST_TRUST = 1000

/** The names as they are at each call; read again when the directory of leases has changed. */
export function namesOf(dataRoot: string, network: string): () => Names {
  const { subnet } = networkOf(dataRoot, network)
  const directory = leasesDirectory(dataRoot, network)
  let found: { names: Names; changed: bigint | undefined; read: number } | undefined
  return () => {
    const changed = statSync(directory, { bigint: true, throwIfNoEntry: false })?.mtimeNs
    const now = performance.now()
    if (!found || found.changed !== changed || now - found.read > LONGEST_TRUST) {
      found = { names: collectNames(network, subnet, liveLeases(dataRoot, network)), changed, read: now }
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

/** The answer to a question about this network; undefined for one that is for others. */
export function answerLocally(query: Packet, names: Names): Packet | undefined {
  const [question] = query.questions ?? []
  if (!question) return undefined
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (question.type === 'PTR') {
    const address = reversed(name)
    if (address === undefined || !within(names.subnet, address)) return undefined
    const target = names.names.get(address)
    if (target === undefined) return response(query, [], NXDOMAIN)
    return response(query, [{ type: 'PTR', name: question.name, ttl: TTL, data: `${target}.${names.network}` }])
  }
  const suffix = `.${names.network.toLowerCase()}`
  const found = names.addresses.get(name) ?? (name.endsWith(suffix) ? names.addresses.get(name.slice(0, -suffix.length)) : undefined)
  if (!found) return undefined
  // Every other type, AAAA above all: the name is there and has nothing of the kind. NXDOMAIN would be taken for the A as well.
  const wanted = question.type === 'A'
  return response(query, wanted ? found.map((data): Answer => ({ type: 'A', name: question.name, ttl: TTL, data })) : [])
}

function response(query: Packet, answers: Answer[], code = 0): Packet {
  const { id, flags = 0, questions = [] } = query
  const own = (flags & RECURSION_DESIRED) | RECURSION_AVAILABLE | AUTHORITATIVE | code
  return { type: 'response', ...(id !== undefined && { id }), flags: own, questions, answers }
}

/** `2.0.17.172.in-addr.arpa` is the name of 172.17.0.2. */
function reversed(name: string): string | undefined {
  const [, digits] = /^((?:[0-9]{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? []
  return digits?.split('.').filter(Boolean).reverse().join('.')
}

function within(subnet: string, address: string): boolean {
  const { first, last } = rangeOf(parsePrefix(subnet))
  const number = numberOf(Uint8Array.from(address.split('.').map(Number)))
  return number >= first && number <= last
}
