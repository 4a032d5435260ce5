/** `--network` and the flags that are about the first network, as docker's client reads them (opts/network.go; EndpointSettings). */
import { DrydockError } from '../../../kernel/errors.js'
import { readWhole } from '../../flags.js'
import { pair, readFields } from './csv.js'

export interface NetworkWish {
  readonly target: string
  readonly aliases: readonly string[]
  readonly links: readonly string[]
  readonly driverOptions: Readonly<Record<string, string>>
  readonly linkLocal: readonly string[]
  readonly ipv4: string
  readonly ipv6: string
  readonly mac: string
  readonly priority: number
}

const NOTHING: NetworkWish = {
  target: '',
  aliases: [],
  links: [],
  driverOptions: {},
  linkLocal: [],
  ipv4: '',
  ipv6: '',
  mac: '',
  priority: 0,
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

const WORDS: Readonly<Record<string, (wish: NetworkWish, value: string) => Partial<NetworkWish>>> = {
  name: (_, value) => ({ target: value }),
  alias: ({ aliases }, value) => ({ aliases: [...aliases, value] }),
  ip: (_, value) => ({ ipv4: value }),
  ip6: (_, value) => ({ ipv6: value }),
  'mac-address': (_, value) => ({ mac: value }),
  'link-local-ip': ({ linkLocal }, value) => ({ linkLocal: [...linkLocal, value] }),
  'driver-opt': ({ driverOptions }, value) => ({ driverOptions: { ...driverOptions, ...driverOption(value) } }),
  'gw-priority': (_, value) => ({ priority: readWhole(value) }),
}

/** `NAME`, or `name=NAME,alias=…,ip=…`. */
export function readNetwork(text: string): NetworkWish {
  if (!/(^|,)[^,]*=/.test(text)) return { ...NOTHING, target: text }
  let wish = NOTHING
  for (const field of readFields(text)) {
    const { name, value } = pair(field)
    if (value === undefined) return refuse(`invalid field ${field}`)
    const act = WORDS[name.trim().toLowerCase()] ?? refuse(`invalid field key ${name}`)
    wish = { ...wish, ...act(wish, value.trim()) }
  }
  return wish.target === '' ? refuse('network name/id is not specified') : wish
}

function driverOption(text: string): Record<string, string> {
  const { name, value } = pair(text)
  if (value === undefined || name === '') return refuse('invalid key value pair format in driver options')
  return { [name.trim().toLowerCase()]: value.trim() }
}

export interface FirstNetwork {
  readonly aliases: readonly string[]
  readonly links: readonly string[]
  readonly linkLocal: readonly string[]
  readonly ipv4: string
  readonly ipv6: string
  readonly mac: string
}

const PREDEFINED = new Set(['default', 'bridge', 'host', 'none', 'nat'])
const isOfUser = (target: string): boolean => !PREDEFINED.has(target) && !target.startsWith('container:')

/** `EndpointsConfig`; `mode` is the first network's name. */
export function readNetworks(asked: readonly NetworkWish[], first: FirstNetwork): { readonly mode: string; readonly endpoints: object } {
  const wishes = (asked.length > 0 ? asked : [{ ...NOTHING, target: 'default' }]).map((wish, at) => (at === 0 ? joined(wish, first) : wish))
  const endpoints: Record<string, object> = {}
  for (const wish of wishes) {
    const { target, aliases } = wish
    if (target.trim() === '') refuse('no name set for network')
    if (aliases.length > 0 && !isOfUser(target)) refuse('network-scoped aliases are only supported for user-defined networks')
    if (Object.hasOwn(endpoints, target)) refuse(`network ${JSON.stringify(target)} is specified multiple times`)
    const plain = asked.length === 1 && isEmpty(wish)
    if (!plain) endpoints[target] = endpointOf(wish)
  }
  const mixed = new Set(wishes.map(({ target }) => isOfUser(target))).size > 1
  if (mixed) refuse('conflicting options: cannot attach both user-defined and non-user-defined network-modes')
  return { mode: (wishes[0] as NetworkWish).target, endpoints }
}

/** What the old flags say is about the first network, and must not be said twice. */
function joined(wish: NetworkWish, first: FirstNetwork): NetworkWish {
  const twice = (what: string, one: string | readonly string[], other: string | readonly string[]) => {
    if (one.length > 0 && other.length > 0) refuse(`conflicting options: cannot specify both ${what}`)
    return one.length > 0 ? one : other
  }
  return {
    ...wish,
    aliases: twice('--network-alias and per-network alias', wish.aliases, first.aliases) as readonly string[],
    links: twice('--link and per-network links', wish.links, first.links) as readonly string[],
    ipv4: twice('--ip and per-network IPv4 address', wish.ipv4, first.ipv4) as string,
    ipv6: twice('--ip6 and per-network IPv6 address', wish.ipv6, first.ipv6) as string,
    mac: twice('--mac-address and per-network MAC address', wish.mac, first.mac) as string,
    linkLocal: twice('--link-local-ip and per-network link-local IP addresses', wish.linkLocal, first.linkLocal) as readonly string[],
  }
}

/** Links are for the daemon's own affair on the networks that it has made itself. */
const linksOf = ({ target, links }: NetworkWish): readonly string[] => (isOfUser(target) ? links : [])

const isEmpty = (wish: NetworkWish): boolean => JSON.stringify({ ...wish, target: '', links: linksOf(wish) }) === JSON.stringify(NOTHING)

/** With all members that Docker has, since it sends them empty. */
export function endpointOf(wish: NetworkWish): object {
  const { aliases, driverOptions, linkLocal, ipv4, ipv6, mac, priority } = wish
  const links = linksOf(wish)
  const ipam = {
    ...(ipv4 && { IPv4Address: ipv4 }),
    ...(ipv6 && { IPv6Address: ipv6 }),
    ...(linkLocal.length > 0 && { LinkLocalIPs: linkLocal }),
  }
  return {
    IPAMConfig: Object.keys(ipam).length > 0 ? ipam : null,
    Links: links.length > 0 ? links : null,
    Aliases: aliases.length > 0 ? aliases : null,
    MacAddress: mac,
    DriverOpts: Object.keys(driverOptions).length > 0 ? driverOptions : null,
    GwPriority: priority,
    NetworkID: '',
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  }
}
