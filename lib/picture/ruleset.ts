/** What `nft -a list ruleset` writes, and what of it translates addresses. nft(8). */
import type { RuleView } from './types.js'

/** Without the namespace, and with what is its own in it. */
export interface Translation extends Omit<RuleView, 'namespace'> {
  readonly key: string
}

interface Block {
  /** Family, table and name: `ip drydock leaving`. */
  readonly place: string
  readonly table: string
  readonly kind: string
  readonly lines: readonly string[]
}

/** Rules that translate, in their order, and behind them what the maps hold that they look into. */
export function translationsIn(listing: string): Translation[] {
  const blocks = blocksOf(listing)
  const rules = blocks.filter(({ kind }) => kind === 'chain').flatMap((chain) => chain.lines.flatMap((line) => ruleOf(chain, line) ?? []))
  const maps = new Set(rules.flatMap(({ place, text }) => mapsIn(text).map((name) => `${tableOf(place)} ${name}`)))
  const elements = blocks.filter(({ kind, place }) => kind === 'map' && maps.has(place)).flatMap((map) => elementsOf(map))
  return [...rules, ...elements]
}

/** Tables, and in each chains, sets and maps: one tab deeper with each. */
function blocksOf(listing: string): Block[] {
  const blocks: (Block & { lines: string[] })[] = []
  let table = ''
  for (const line of listing.split('\n')) {
    const [, tabs = '', text = ''] = /^(\t*)(.*)$/.exec(line) ?? []
    const opens = /^(\S+) (.+?) \{( # handle \d+)?$/.exec(text)
    if (tabs.length === 0 && opens?.[1] === 'table') table = opens[2] as string
    else if (tabs.length === 1 && opens) blocks.push({ table, place: `${table} ${opens[2]}`, kind: opens[1] as string, lines: [] })
    else if (tabs.length > 1) blocks.at(-1)?.lines.push(text.trim())
  }
  return blocks
}

/** `ip drydock leaving` → `ip drydock`. */
const tableOf = (place: string): string => place.split(' ').slice(0, 2).join(' ')

function ruleOf({ place }: Block, line: string): Translation | undefined {
  const [, whole = line, handle = ''] = /^(.*) # handle (\d+)$/.exec(line) ?? []
  const kind = kindOf(whole)
  if (!kind) return undefined
  const packets = /\bcounter packets (\d+)/.exec(whole)?.[1]
  const text = whole.replace(/ ?\bcounter packets \d+ bytes \d+/g, '').trim()
  const publishes = kind === 'dnat' ? publishedBy(text) : undefined
  return {
    key: `${place}/${handle}`,
    kind,
    place,
    text,
    ...(packets !== undefined && { packets: Number(packets) }),
    ...(publishes && { publishes }),
  }
}

/** What a rule does at its end. `ct status dnat` and `icmp type redirect` only ask; a comment says nothing. */
function kindOf(rule: string): RuleView['kind'] | undefined {
  // iptables writes some of its own targets, which nft can only name.
  const foreign = /\bxt target "(MASQUERADE|DNAT|SNAT|REDIRECT)"/.exec(rule)?.[1]
  if (foreign) return foreign.toLowerCase() as RuleView['kind']
  const words = rule.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  if (/\bmasquerade\b/.test(words)) return 'masquerade'
  if (/\bdnat (?:ip6? )?(?:prefix )?to\b/.test(words)) return 'dnat'
  if (/\bsnat (?:ip6? )?(?:prefix )?to\b/.test(words)) return 'snat'
  return /(?<!\btype )\bredirect(?: to\b| random| fully-random| persistent|$)/.test(words) ? 'redirect' : undefined
}

/** `tcp dport 8080 dnat to 172.20.0.2:80`. */
function publishedBy(text: string): RuleView['publishes'] {
  const [, protocol, port] = /\b(tcp|udp|sctp) dport (\{[^}]*\}|\S+)/.exec(text) ?? []
  const [, to] = /\bdnat (?:ip6? )?to (\S+)/.exec(text) ?? []
  const address = /\bip6? daddr ([0-9a-f.:]+) /.exec(text)?.[1]
  if (protocol === undefined || port === undefined || to === undefined || !/^[[0-9a-f.:]/.test(to)) return undefined
  return { protocol, port: address === undefined ? port : withPort(address, port), to }
}

/** Names of the maps that a rule translates by. */
const mapsIn = (text: string): string[] => [...text.matchAll(/\bmap @(\S+)/g)].map(([, name]) => name as string)

/** `elements = { tcp . 8081 : 172.17.0.2 . 80, … }`, over as many lines as it takes. */
function elementsOf({ place, lines }: Block): Translation[] {
  const text = lines.join(' ')
  const list = /\belements = \{ (.*?) \}/.exec(text)?.[1] ?? ''
  return list.split(/, */).flatMap((element): Translation[] => {
    const [from, to] = element.split(' : ').map((side) =>
      side
        .trim()
        .split(' . ')
        .map((part) => part.split(' ')[0] as string),
    )
    if (!from || !to) return []
    const publishes = publishedByElement(from, to)
    const shown = `${from.join(' . ')} : ${to.join(' . ')}`
    return [
      { key: `${place}/${from.join(' . ')}`, kind: 'dnat', place, text: `element ${place} { ${shown} }`, ...(publishes && { publishes }) },
    ]
  })
}

/** The key is a protocol and a port, with an address before them when it is for that one alone; the value is an address and a port. */
function publishedByElement(from: readonly string[], to: readonly string[]): RuleView['publishes'] {
  const at = from.findIndex((part) => /^(tcp|udp|sctp)$/.test(part))
  const [protocol, port, address] = [from[at], from[at + 1], at === 1 ? from[0] : undefined]
  const [target, inside] = to
  if (protocol === undefined || port === undefined || target === undefined) return undefined
  return {
    protocol,
    port: address === undefined ? port : withPort(address, port),
    to: inside === undefined ? target : withPort(target, inside),
  }
}

const withPort = (address: string, port: string): string => `${address.includes(':') ? `[${address}]` : address}:${port}`
