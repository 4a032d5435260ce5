/**
 * The packet filter's part: one table of our own, `ip drydock`. The chains are the same whatever there is; bridges, subnets and published
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

const DNAT = [
  `meta l4proto { tcp, udp } dnat ip to ip daddr . meta l4proto . th dport map @${PUBLISHED}`,
  // Only what is meant for the host itself: port 80 of a server elsewhere is not ours to turn.
  `fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @${PUBLISHED_ANYWHERE}`,
]

/** Each chain: where it hangs, and its rules. */
const CHAINS: Readonly<Record<string, { hook: string; rules: readonly string[] }>> = {
  // The bridges have route_localnet, for published ports on 127.0.0.1; a container must not reach the host's own servers there (CVE-2020-8558).
  guard: { hook: 'type filter hook prerouting priority raw', rules: [`iifname @${BRIDGES} ip daddr 127.0.0.0/8 drop`] },
  arriving: { hook: 'type nat hook prerouting priority dstnat', rules: DNAT },
  // What the host itself sends does not pass prerouting.
  local: { hook: 'type nat hook output priority -100', rules: DNAT },
  leaving: {
    hook: 'type nat hook postrouting priority srcnat',
    rules: [
      `oifname != @${BRIDGES} ip saddr @subnets masquerade`,
      // Hairpin: a container that calls a published port would be answered by its neighbour directly, from an address that it did not call.
      `oifname @${BRIDGES} ct status dnat ip saddr @subnets masquerade`,
      // Nobody in a container can answer 127.0.0.1.
      `oifname @${BRIDGES} ip saddr 127.0.0.0/8 masquerade`,
    ],
  },
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
}

/**
 * What `nft -f -` is fed: the table whole, and this network in it. One transaction, and the same after it whoever did it before or does
 * it at once: what is there is not added twice, chains are emptied first, elements stay.
 */
export function ruleset(config: NetworkConfig): string {
  const table = `ip ${TABLE}`
  const sets = [
    `add table ${table}`,
    `add set ${table} ${BRIDGES} { type ifname; }`,
    `add set ${table} within { type ifname . ifname; }`,
    `add set ${table} ${INTERNAL} { type ifname; }`,
    `add set ${table} subnets { type ipv4_addr; flags interval; }`,
    `add map ${table} ${PUBLISHED} { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }`,
    `add map ${table} ${PUBLISHED_ANYWHERE} { type inet_proto . inet_service : ipv4_addr . inet_service; }`,
  ]
  const chains = Object.entries(CHAINS).flatMap(([name, { hook, rules }]) => [
    `add chain ${table} ${name} { ${hook}; }`,
    `flush chain ${table} ${name}`,
    ...rules.map((rule) => `add rule ${table} ${name} ${rule}`),
  ])
  return `${[...sets, ...chains, ...elements('add', config)].join('\n')}\n`
}

/** Take a network out. */
export const withdrawal = (config: NetworkConfig): string => `${elements('delete', config).join('\n')}\n`

function elements(verb: 'add' | 'delete', config: NetworkConfig): string[] {
  const { internal = false, routed = false } = config.more ?? {}
  return [
    ...(internal || routed ? [] : [`${verb} element ip ${TABLE} subnets { ${config.subnet} }`]),
    ...(internal ? [`${verb} element ip ${TABLE} ${INTERNAL} { "${config.bridge}" }`] : []),
    `${verb} element ip ${TABLE} within { "${config.bridge}" . "${config.bridge}" }`,
    // Last: who finds the bridge in this set takes the table for complete.
    `${verb} element ip ${TABLE} ${BRIDGES} { "${config.bridge}" }`,
  ]
}

/** What the table does for a network, in words. */
export function rulesetWords(config: NetworkConfig): string {
  const { internal, routed } = config.more ?? {}
  const way = internal ? 'no way out' : routed ? `${config.subnet} as it is` : `masquerade for ${config.subnet}`
  return `the nft table ip ${TABLE} (${way}, published ports, isolation of ${config.bridge} at ${bridgeAddress(config)})`
}
