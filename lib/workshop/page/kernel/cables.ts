/**
 * Where the rooms of a network (its network namespaces) and the cables between them are drawn. Whoever passes packets on stands above those that hang
 * on it, and what it calls the outside above it. Lengths are in units of a drawing in which letters are 15 high. Pure.
 */
import type { LinkView, RuleView } from '../../../picture/types.js'
import type { Box } from '../boxes.js'
import type { Scene } from '../scene.js'
import { counted, cut } from '../text.jsx'

export interface Line {
  readonly text: string
  readonly style: 'name' | 'mono' | 'plain' | 'faint'
  readonly marks: readonly string[]
}

export interface RoomBox {
  readonly inode: number
  readonly label: string
  readonly title: string
  readonly lines: readonly Line[]
  readonly bridges: readonly Bar[]
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A bridge, at the bottom of its room. */
export interface Bar {
  readonly link: LinkView
  readonly key: string
  readonly y: number
  /** Ports whose other end is not drawn. */
  readonly more: number
}

export interface Cable {
  readonly key: string
  readonly from: readonly [x: number, y: number]
  readonly to: readonly [x: number, y: number]
  /** Name of the upper end: the lower one's stands in its room. */
  readonly name: string
  readonly up: boolean
  readonly marks: readonly string[]
}

export interface Plan {
  readonly rooms: readonly RoomBox[]
  readonly cables: readonly Cable[]
  readonly width: number
  readonly height: number
}

type Links = readonly (readonly [key: string, link: LinkView])[]

interface Node {
  readonly inode: number
  readonly label: string
  readonly title: string
  readonly links: Links
  readonly rules: readonly (readonly [key: string, rule: RuleView])[]
  readonly host: boolean
}

const LINE = 20
const LEAF = 212
const GAP = 22
const DROP = 74
const BAR = 30
const TITLE = 30

/** `brief`: of what hangs on one room only as much as there is room for; the rest is counted at its bridge. */
export function planOf(scene: Scene, widest: number, brief = false): Plan {
  const most = brief ? Math.max(2, Math.floor(widest / (LEAF + GAP))) : Number.POSITIVE_INFINITY
  const nodes = nodesOf(scene)
  const left = new Set(nodes.keys())
  const rooms: RoomBox[] = []
  const cables: Cable[] = []
  let [x, top, rowHeight, width] = [0, 0, 0, 0]
  while (left.size > 0) {
    const root = rootOf([...left].flatMap((inode) => nodes.get(inode) ?? []))
    const group = drawGroup(root, nodes, left, { widest, most })
    if (x > 0 && x + group.width > widest) {
      top += rowHeight + 2 * GAP
      x = 0
      rowHeight = 0
    }
    rooms.push(...group.rooms.map((room) => moved(room, x, top)))
    cables.push(
      ...group.cables.map(
        (cable): Cable => ({ ...cable, from: [cable.from[0] + x, cable.from[1] + top], to: [cable.to[0] + x, cable.to[1] + top] }),
      ),
    )
    x += group.width + 2 * GAP
    width = Math.max(width, x - 2 * GAP)
    rowHeight = Math.max(rowHeight, group.height)
  }
  return { rooms, cables, width, height: top + rowHeight }
}

const moved = (room: RoomBox, x: number, y: number): RoomBox => ({
  ...room,
  x: room.x + x,
  y: room.y + y,
  bridges: room.bridges.map((bar) => ({ ...bar, y: bar.y + y })),
})

function nodesOf({ picture, boxes, labels, session }: Scene): Map<number, Node> {
  const nodes = new Map<number, Node>()
  const links = Object.entries(picture.tables.links)
  for (const inode of new Set(boxes.flatMap(({ namespaces }) => namespaces.net ?? []))) {
    const mine = links.filter(([, { namespace }]) => namespace === inode).sort(([, one], [, other]) => one.index - other.index)
    const inIt = boxes.filter(({ namespaces }) => namespaces.net === inode)
    const host = inode === picture.host.namespaces.net
    const names = (host ? inIt.filter((box) => box.host) : inIt).map((box) => box.hostname ?? nameOf(box))
    const [first = '?', ...others] = [...new Set(names)]
    const title = others.length > 0 ? `${cut(first, 14)} and ${counted(others.length, 'more', 'more')}` : cut(first, 24)
    const rules = Object.entries(picture.tables.rules)
      .filter(([, { namespace }]) => namespace === inode)
      .sort(([, one], [, other]) => telling(other) - telling(one))
    nodes.set(inode, { inode, label: host ? 'host' : (labels.of('net', inode) ?? '?'), title, links: mine, rules, host })
  }
  const host = nodes.get(picture.host.namespaces.net ?? 0)
  const cabled = host?.links.some(([, { peer }]) => peer !== undefined && nodes.has(Number(peer.split('/')[0])))
  if (host && session && !cabled && nodes.size > 1) nodes.delete(host.inode)
  return nodes
}

/** Without a host name of its own: its first process, as the host counts it. */
const nameOf = ({ name, processes: [first] }: Box): string => (first ? `${name} ${first.pid}` : name)

/** What is published first, and last the rules that only look into the list of it. */
const telling = ({ publishes, kind }: RuleView): number => (publishes ? 2 : kind === 'masquerade' || kind === 'snat' ? 1 : 0)

/** Who has the most to do with others. */
function rootOf(nodes: readonly Node[]): Node {
  const weight = ({ links, host }: Node) =>
    links.filter(([, { kind }]) => kind === 'bridge').length * 100 + links.filter(([, { peer }]) => peer).length * 2 + Number(host)
  return nodes.reduce((best, node) => (weight(node) > weight(best) ? node : best))
}

interface Group {
  readonly rooms: readonly RoomBox[]
  readonly cables: readonly Cable[]
  readonly width: number
  readonly height: number
}

interface Space {
  readonly widest: number
  /** Rooms that hang on one. */
  readonly most: number
}

interface Tie {
  readonly upper: readonly [string, LinkView]
  readonly lower: readonly [string, LinkView]
  readonly node: Node
}

/** The root and what hangs on it, and what hangs on that. Takes them out of `left`. */
function drawGroup(root: Node, nodes: ReadonlyMap<number, Node>, left: Set<number>, space: Space): Group {
  left.delete(root.inode)
  const ties = tiesOf(root, nodes, left)
  const outside = ties.filter((tie) => isOutside(tie, root, ties))
  const above = [...new Set(outside.map(({ node }) => node))]
  for (const { inode } of above) left.delete(inode)
  const tree = drawTree(root, nodes, left, space)
  const shift = above.length === 0 ? 0 : Math.max(...above.map((node) => heightOf(node))) + DROP
  const rooms = tree.rooms.map((room) => moved(room, 0, shift))
  const cables: Cable[] = tree.cables.map((cable) => ({
    ...cable,
    from: [cable.from[0], cable.from[1] + shift],
    to: [cable.to[0], cable.to[1] + shift],
  }))
  const rootRoom = rooms[0] as RoomBox
  const total = above.length * LEAF + (above.length - 1) * GAP
  above.forEach((node, at) => {
    const x = Math.max(0, rootRoom.x + rootRoom.width / 2 - total / 2) + at * (LEAF + GAP)
    const height = heightOf(node)
    const y = shift - DROP - height
    rooms.push({ ...shown(node), x, y, width: LEAF, height, bridges: [] })
    outside
      .filter((tie) => tie.node === node)
      .forEach((tie, index) => {
        const at = x + LEAF / 2 + index * 30
        cables.push(cableOf(tie, [at, y + height], [at, rootRoom.y], tie.lower))
      })
  })
  const width = Math.max(tree.width, total)
  return { rooms, cables, width, height: tree.height + shift }
}

/** Rooms at the other ends of a room's cables, as far as they are not drawn yet. */
function tiesOf(node: Node, nodes: ReadonlyMap<number, Node>, left: ReadonlySet<number>): Tie[] {
  return node.links.flatMap(([key, link]): Tie[] => {
    const other = link.peer === undefined ? undefined : nodes.get(Number(link.peer.split('/')[0]))
    const end = other?.links.find(([its]) => its === link.peer)
    return other && end && left.has(other.inode) ? [{ upper: [key, link], lower: end, node: other }] : []
  })
}

/** A neighbour by a cable of its own, who does not come to us for the way out, while others do or hang on our bridge. */
function isOutside(tie: Tie, root: Node, ties: readonly Tie[]): boolean {
  const below = (one: Tie) => one.upper[1].bridge !== undefined || one.node.links.some(([, { gateways }]) => gateways.length > 0)
  const ours = root.links.flatMap(([, { gateways }]) => gateways)
  const theirs = tie.node.links.flatMap(([, { addresses }]) => addresses.map((address) => address.split('/')[0]))
  if (ours.some((gateway) => theirs.includes(gateway))) return true
  return !below(tie) && ties.some(below)
}

function drawTree(node: Node, nodes: ReadonlyMap<number, Node>, left: Set<number>, space: Space): Group {
  const allTies = tiesOf(node, nodes, left)
  const bridgeOrder = (tie: Tie) => tie.upper[1].bridge ?? ''
  const places = [...nodes.keys()]
  const place = (tie: Tie) => places.indexOf(tie.node.inode)
  allTies.sort((one, other) => bridgeOrder(one).localeCompare(bridgeOrder(other)) || place(one) - place(other))
  const hanging = [...new Set(allTies.map((tie) => tie.node))]
  for (const { inode } of hanging) left.delete(inode)
  const children = hanging.slice(0, space.most)
  const ties = allTies.filter((tie) => children.includes(tie.node))
  const groups = children.map((child) => drawTree(child, nodes, left, space))
  const inner = groups.reduce((sum, { width }) => sum + width, 0) + GAP * Math.max(0, groups.length - 1)
  const router = children.length > 0 || node.links.some(([, { kind }]) => kind === 'bridge')
  const width = Math.max(inner + (router ? 2 * GAP : 0), router ? Math.min(space.widest, 420) : LEAF)
  const height = heightOf(node)
  const bars = barsOf(node, height, ties)
  const room: RoomBox = { ...shown(node), x: 0, y: 0, width, height, bridges: bars }
  const rooms = [room]
  const cables: Cable[] = []
  let x = (width - inner) / 2
  groups.forEach((group, at) => {
    const y = height + DROP
    rooms.push(...group.rooms.map((one) => moved(one, x, y)))
    cables.push(
      ...group.cables.map(
        (cable): Cable => ({ ...cable, from: [cable.from[0] + x, cable.from[1] + y], to: [cable.to[0] + x, cable.to[1] + y] }),
      ),
    )
    const mine = ties.filter((tie) => tie.node === children[at])
    mine.forEach((tie, index) => {
      const middle = x + group.width / 2 + (index - (mine.length - 1) / 2) * 70
      const bar = bars.find(({ key }) => key === tie.upper[1].bridge)
      cables.push(cableOf(tie, [middle, bar ? bar.y + BAR : height], [middle, y], tie.upper))
    })
    x += group.width + GAP
  })
  return { rooms, cables, width, height: height + (groups.length > 0 ? DROP + Math.max(...groups.map((group) => group.height)) : 0) }
}

function cableOf(tie: Tie, from: Cable['from'], to: Cable['to'], named: Tie['upper']): Cable {
  const keys = [tie.upper[0], tie.lower[0]].map((key) => `links/${key}`)
  return { key: named[0], from, to, name: named[1].name, up: tie.upper[1].running && tie.lower[1].running, marks: keys }
}

function barsOf(node: Node, height: number, ties: readonly Tie[]): Bar[] {
  const bridges = node.links.filter(([, { kind }]) => kind === 'bridge')
  return bridges.map(([key, link], at) => {
    const ports = node.links.filter(([, { bridge }]) => bridge === key)
    const drawn = ports.filter(([port]) => ties.some(({ upper }) => upper[0] === port))
    return { link, key, y: height - (bridges.length - at) * (BAR + 6), more: ports.length - drawn.length }
  })
}

const shown = (node: Node): Pick<RoomBox, 'inode' | 'label' | 'title' | 'lines'> => ({
  inode: node.inode,
  label: node.label,
  title: node.title,
  lines: linesOf(node),
})

function heightOf(node: Node): number {
  const bridges = node.links.filter(([, { kind }]) => kind === 'bridge').length
  return TITLE + linesOf(node).length * LINE + 12 + bridges * (BAR + 6)
}

/** Interfaces and rules that are listed of a room with many. */
const LISTED = 6
const RULES = 4

function linesOf({ links, rules }: Node): Line[] {
  const listed = links.filter(([, { kind, bridge }]) => kind !== 'bridge' && bridge === undefined)
  const shownLinks = listed.slice(0, LISTED)
  const lines = shownLinks.flatMap(([key, link]) => linesOfLink(key, link))
  if (listed.length > LISTED) lines.push({ text: `and ${listed.length - LISTED} more interfaces`, style: 'faint', marks: [] })
  for (const [key, rule] of rules.slice(0, RULES)) {
    const counter = rule.packets === undefined ? '' : ` (${counted(rule.packets, 'packet')})`
    lines.push({ text: `⇄ ${ruleWords(rule)}${counter}`, style: 'plain', marks: [`rules/${key}`, `rules/${key}/packets`] })
  }
  if (rules.length > RULES) lines.push({ text: `and ${rules.length - RULES} more rules`, style: 'faint', marks: [] })
  return lines
}

/** What a rule does, shorter than it is written. */
export const ruleWords = ({ publishes, kind, text }: RuleView): string =>
  publishes ? `${publishes.protocol} port ${publishes.port} → ${publishes.to}` : `${kind}: ${text.replace(new RegExp(` ${kind}$`), '')}`

function linesOfLink(key: string, link: LinkView): Line[] {
  const mark = `links/${key}`
  const state = link.up ? (link.running ? '' : ', no carrier') : ', down'
  if (link.kind === 'loopback') {
    const listening: Line[] = link.listening?.length
      ? [{ text: `listens on ${link.listening.join(', ')}`, style: 'plain', marks: [`${mark}/listening`] }]
      : []
    return [{ text: `${link.name} ${link.up ? 'up' : 'down'}`, style: 'faint', marks: [mark] }, ...listening]
  }
  const addresses = link.addresses.filter((address) => !address.startsWith('fe80:'))
  return [
    { text: `${link.name}${state}`, style: 'name', marks: [mark] },
    ...addresses.map((text): Line => ({ text, style: 'mono', marks: [`${mark}/addresses`] })),
    ...link.gateways.map((gateway): Line => ({ text: `default → ${gateway}`, style: 'plain', marks: [`${mark}/gateways`] })),
  ]
}
