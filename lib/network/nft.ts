/**
 * The packet filter's part: a table of our own, `ip drydock`, and where networks have IPv6 `ip6 drydock`. The chains are the same whatever there is; bridges, subnets and published
 * ports are elements of sets and maps, so that a container changes no rule. nft(8).
 */
import { bridgeAddress } from './bridge.js'
import type { NetworkConfig } from './config.js'

export const TABLE = 'drydock'
/** Our bridges, by name. */
export const BRIDGES = 'bridges'
/** Those of which nothing leaves. */
const INTERNAL = 'internal'
/** Ports of one address of the host's. */
export const PUBLISHED = 'published'
/** Ports of all of them. */
export const PUBLISHED_ANYWHERE = 'published_anywhere'

/** A table of the packet filter sees packets of one family: there is one of each. */
export type TableFamily = 'ip' | 'ip6'

/** Those that a network needs. */
export const familiesOf = ({ ipv6 }: Pick<NetworkConfig, 'ipv6'>): TableFamily[] => (ipv6 ? ['ip', 'ip6'] : ['ip'])

const dnat = (family: TableFamily): string[] => [
  `meta l4proto { tcp, udp } dnat ${family} to ${family} daddr . meta l4proto . th dport map @${PUBLISHED}`,
  // Only what is meant for the host itself: port 80 of a server elsewhere is not ours to turn.
  `fib daddr type local meta l4proto { tcp, udp } dnat ${family} to meta l4proto . th dport map @${PUBLISHED_ANYWHERE}`,
]

interface Chain {
  readonly hook: string
  readonly rules: readonly string[]
}

/** Each chain: where it hangs, and its rules. */
const chainsOf = (family: TableFamily): Readonly<Record<string, Chain>> => ({
  // The bridges have route_localnet, for published ports on 127.0.0.1; a container must not reach the host's own servers there (CVE-2020-8558).
  ...(family === 'ip' && {
    guard: { hook: 'type filter hook prerouting priority raw', rules: [`iifname @${BRIDGES} ip daddr 127.0.0.0/8 drop`] },
  }),
  arriving: { hook: 'type nat hook prerouting priority dstnat', rules: dnat(family) },
  // What the host itself sends does not pass prerouting.
  local: { hook: 'type nat hook output priority -100', rules: dnat(family) },
  leaving: {
    hook: 'type nat hook postrouting priority srcnat',
    rules: [
      `oifname != @${BRIDGES} ${family} saddr @subnets masquerade`,
      // Hairpin: a container that calls a published port would be answered by its neighbour directly, from an address that it did not call.
      `oifname @${BRIDGES} ct status dnat ${family} saddr @subnets masquerade`,
      // Nobody in a container can answer 127.0.0.1.
      ...(family === 'ip' ? [`oifname @${BRIDGES} ip saddr 127.0.0.0/8 masquerade`] : []),
    ],
  },
  // To ::1 the kernel lets no answer come from elsewhere, as it does to 127.0.0.1 by route_localnet. Who tries both, as for `localhost`, shall not wait for it.
  ...(family === 'ip6' && {
    loopback: {
      hook: 'type filter hook output priority filter',
      rules: ['ip6 saddr ::1 ct status dnat meta l4proto tcp reject with tcp reset', 'ip6 saddr ::1 ct status dnat reject'],
    },
  }),
  between: {
    hook: 'type filter hook forward priority filter',
    rules: [
      'ct state established,related accept',
      'iifname . oifname @within accept',
      // Of an internal network nothing leaves, and nothing comes in.
      `iifname @${INTERNAL} drop`,
      `oifname @${INTERNAL} drop`,
      'ct status dnat accept',
      `iifname != @${BRIDGES} oifname != @${BRIDGES} accept`,
      // Left over: from one bridge to another, and from outside to a port that is not published.
      `oifname @${BRIDGES} drop`,
    ],
  },
})

/**
 * What `nft -f -` is fed: the table of one family whole, and this network in it. One transaction, and the same after it whoever did it before or does
 * it at once: what is there is not added twice, chains are emptied first, elements stay.
 */
export function ruleset(config: NetworkConfig, family: TableFamily = 'ip'): string {
  const table = `${family} ${TABLE}`
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'
  const sets = [
    `add table ${table}`,
    `add set ${table} ${BRIDGES} { type ifname; }`,
    `add set ${table} within { type ifname . ifname; }`,
    `add set ${table} ${INTERNAL} { type ifname; }`,
    `add set ${table} subnets { type ${address}; flags interval; }`,
    `add map ${table} ${PUBLISHED} { type ${address} . inet_proto . inet_service : ${address} . inet_service; }`,
    `add map ${table} ${PUBLISHED_ANYWHERE} { type inet_proto . inet_service : ${address} . inet_service; }`,
  ]
  const chains = Object.entries(chainsOf(family)).flatMap(([name, { hook, rules }]) => [
    `add chain ${table} ${name} { ${hook}; }`,
    `flush chain ${table} ${name}`,
    ...rules.map((rule) => `add rule ${table} ${name} ${rule}`),
  ])
  return `${[...sets, ...chains, ...elements('add', config, family)].join('\n')}\n`
}

/** Take a network out of the table of one family. */
export const withdrawal = (config: NetworkConfig, family: TableFamily = 'ip'): string =>
  `${elements('delete', config, family).join('\n')}\n`

function elements(verb: 'add' | 'delete', config: NetworkConfig, family: TableFamily): string[] {
  const { internal = false, routed = false, apart = false } = config.more ?? {}
  const subnet = family === 'ip' ? config.subnet : config.ipv6?.subnet
  const element = (set: string, what: string) => `${verb} element ${family} ${TABLE} ${set} { ${what} }`
  return [
    ...(internal || routed || subnet === undefined ? [] : [element('subnets', subnet)]),
    ...(internal ? [element(INTERNAL, `"${config.bridge}"`)] : []),
    ...(apart ? [] : [element('within', `"${config.bridge}" . "${config.bridge}"`)]),
    // Last: who finds the bridge in this set takes the table for complete.
    element(BRIDGES, `"${config.bridge}"`),
  ]
}

/** What the table does for a network, in words. */
export function rulesetWords(config: NetworkConfig, family: TableFamily = 'ip'): string {
  const { internal, routed } = config.more ?? {}
  const subnet = family === 'ip' ? config.subnet : config.ipv6?.subnet
  const at = family === 'ip' ? bridgeAddress(config) : config.ipv6?.gateway
  const way = internal ? 'no way out' : routed ? `${subnet} as it is` : `masquerade for ${subnet}`
  return `the nft table ${family} ${TABLE} (${way}, published ports, isolation of ${config.bridge} at ${at})`
}
