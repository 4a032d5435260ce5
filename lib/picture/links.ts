/** Network devices, and what each hangs on: the bridge that it is plugged into, and the other end of its cable, which may be in another namespace. */
import { type Address, decodeAddresses, decodeLinks, decodeRoutes, type Link, type Route } from '../kernel/netlink/decode.js'
import { decodeListeners, type Listener } from '../kernel/netlink/listeners.js'
import { decodeNamespaceId, namespaceIdGet } from '../kernel/netlink/namespace-id.js'
import { answerIn, type Instrument, type Questions } from './instrument.js'
import type { Missing } from './missing.js'
import { askIn, type Place, type Surveyed } from './survey.js'
import type { LinkView } from './types.js'

/** A link as it is told within its namespace. */
export interface Local {
  readonly view: LinkView
  /** Index of the other end, and what this namespace calls the one that it is in (absent: this one). Of cables only. */
  readonly cable?: { readonly index: number; readonly namespace?: number }
}

export const linkKey = (namespace: number, index: number): string => `${namespace}/${index}`

export class LinksSeen {
  readonly #last = new Map<number, Understood>()
  readonly #views = new WeakMap<Local, LinkView>()
  readonly #ids = new NamespaceIds()

  /** `close`: of the reader's own cables only those that lead to somewhere in the picture. */
  async view(
    places: readonly Place[],
    surveyed: ReadonlyMap<number, Surveyed>,
    instrument: Instrument,
    missing: Missing,
    close: boolean,
  ): Promise<Record<string, LinkView>> {
    const networks = places.filter(({ kind }) => kind === 'net')
    const locals = new Map<string, Local>()
    for (const [inode, answers] of surveyed) {
      for (const local of this.#localsOf(inode, answers)) locals.set(linkKey(inode, local.view.index), local)
    }
    for (const inode of this.#last.keys()) if (!surveyed.has(inode)) this.#last.delete(inode)
    const peers = await this.#peersOf(locals, networks, instrument, missing)
    const own = networks.find(({ pid }) => pid === undefined)?.inode
    const views: Record<string, LinkView> = {}
    for (const [key, local] of locals) {
      const peer = peers.get(key)
      if (close && local.cable && peer === undefined && local.view.namespace === own) continue
      views[key] = this.#withPeer(local, peer)
    }
    return views
  }

  /** Counters of links move; the rest hardly ever does, and takes longer to understand. */
  #localsOf(inode: number, answers: Surveyed): readonly Local[] {
    const last = this.#last.get(inode)
    if (last?.answers === answers) return last.locals
    const links = last?.answers.links.equals(answers.links) ? last.links : decodeLinks(answers.links)
    const others = last && OTHERS.every((name) => last.answers[name].equals(answers[name])) ? last.others : othersIn(answers)
    const locals = last?.links === links && last.others === others ? last.locals : localsOf(inode, links, others)
    this.#last.set(inode, { answers, links, others, locals })
    return locals
  }

  #withPeer(local: Local, peer: string | undefined): LinkView {
    const known = this.#views.get(local) ?? local.view
    const view = known.peer === peer ? known : peer === undefined ? local.view : { ...local.view, peer }
    this.#views.set(local, view)
    return view
  }

  /** Key of each cable's other end, for the cables of which both ends are in the picture. */
  async #peersOf(
    locals: ReadonlyMap<string, Local>,
    networks: readonly Place[],
    instrument: Instrument,
    missing: Missing,
  ): Promise<Map<string, string>> {
    const peers = new Map<string, string>()
    const own = networks.find(({ pid }) => pid === undefined)?.inode
    const candidates: { key: string; other: string; wanted: number; from: number; to: number }[] = []
    const cables = new Map<string, Local[]>()
    for (const local of locals.values()) {
      if (!local.cable) continue
      const ends = `${local.view.index}>${local.cable.index}`
      cables.set(ends, [...(cables.get(ends) ?? []), local])
    }
    for (const [key, { cable, view }] of locals) {
      if (!cable) continue
      if (cable.namespace === undefined) {
        const other = linkKey(view.namespace, cable.index)
        if (locals.has(other)) peers.set(key, other)
        continue
      }
      for (const other of cables.get(`${cable.index}>${view.index}`) ?? []) {
        const { namespace: inode } = other.view
        if (inode === view.namespace || other.cable?.namespace === undefined) continue
        // From one end is enough; where the reader's own network is one of the two, from there: it then is asked about all at once.
        if (view.namespace !== own && (inode === own || inode < view.namespace)) continue
        candidates.push({ key, other: linkKey(inode, cable.index), wanted: cable.namespace, from: view.namespace, to: inode })
      }
    }
    // Cables between two others may have the same two numbers: what this namespace calls the other one decides.
    const ids = await this.#ids.of(candidates, networks, instrument, missing)
    for (const { key, other, wanted, from, to } of candidates) {
      if (ids.get(`${from}>${to}`) !== wanted) continue
      peers.set(key, other)
      peers.set(other, key)
    }
    return peers
  }
}

/** What a network namespace has answered, and what it means. */
interface Understood {
  readonly answers: Surveyed
  readonly links: readonly Link[]
  readonly others: Others
  readonly locals: readonly Local[]
}

const OTHERS = ['addresses', 'routes', 'listeners', 'listeners6'] as const

/** What is known of a network namespace besides its links. */
interface Others {
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
  readonly listening: readonly Listener[]
}

function othersIn(answers: Surveyed): Others {
  return {
    addresses: decodeAddresses(answers.addresses),
    routes: decodeRoutes(answers.routes).filter(({ to }) => to === 'default'),
    listening: [...decodeListeners(answers.listeners), ...decodeListeners(answers.listeners6)],
  }
}

/** The links of one network namespace. */
function localsOf(namespace: number, links: readonly Link[], others: Others): Local[] {
  const bridges = new Set(links.filter(({ kind }) => kind === 'bridge').map(({ index }) => index))
  return links.map((link) => {
    const { linkNetnsid } = link
    const cable = link.kind === 'veth' &&
      link.link !== undefined && { index: link.link, ...(linkNetnsid !== undefined && { namespace: linkNetnsid }) }
    return { view: viewOf(namespace, link, others, bridges), ...(cable && { cable }) }
  })
}

function viewOf(namespace: number, link: Link, { addresses, routes, listening }: Others, bridges: ReadonlySet<number>): LinkView {
  const { index, name, mtu, mac, master, flags, received, sent } = link
  const loopback = flags.includes('loopback')
  const plugged = master !== undefined && bridges.has(master)
  return {
    namespace,
    index,
    name,
    kind: link.kind ?? (loopback ? 'loopback' : ''),
    up: flags.includes('up'),
    running: flags.includes('lower_up'),
    ...(mac !== undefined && !loopback && { mac }),
    mtu,
    addresses: addresses
      .filter((one) => one.index === index)
      .sort((one, other) => one.family - other.family)
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ...(plugged && { bridge: linkKey(namespace, master) }),
    received: { bytes: received?.bytes ?? 0, packets: received?.packets ?? 0 },
    sent: { bytes: sent?.bytes ?? 0, packets: sent?.packets ?? 0 },
    gateways: routes.flatMap(({ to, via, dev }) => (to === 'default' && dev === index && via !== undefined ? [via] : [])),
    ...(loopback && listening.length > 0 && { listening: listening.map(portOf).sort() }),
  }
}

const portOf = ({ address, port }: Listener): string => `${address.includes(':') ? `[${address}]` : address}:${port}`

/** What one network namespace calls another: for ever, once it has a name for it. */
class NamespaceIds {
  readonly #known = new Map<string, number>()
  /** Who was asked about; another one may have the inode number by now. */
  readonly #asked = new Map<string, string>()

  async of(
    pairs: readonly { from: number; to: number }[],
    networks: readonly Place[],
    instrument: Instrument,
    missing: Missing,
  ): Promise<ReadonlyMap<string, number>> {
    const byInode = new Map(networks.map((network) => [network.inode, network]))
    const wanted = new Map(pairs.map(({ from, to }) => [`${from}>${to}`, { from, to }]))
    for (const key of this.#known.keys()) if (!wanted.has(key)) this.#forget(key)
    const unknown = [...wanted].flatMap(([key, { from, to }]) => {
      const [asker, other] = [byInode.get(from), byInode.get(to)]
      const who = `${asker?.pid}>${other?.pid}`
      if (!asker || !other || this.#asked.get(key) === who) return []
      this.#forget(key)
      return [{ key, asker, pid: other.pid ?? process.pid, who }]
    })
    for (const asker of new Set(unknown.map((one) => one.asker))) {
      const those = unknown.filter((one) => one.asker === asker)
      const places: { key: string; at: number; who: string }[] = []
      let entered: number | undefined
      const write = (questions: Questions) => {
        if (asker.pid !== undefined) entered = questions.enter(`/proc/${asker.pid}/ns/net`, 'net')
        questions.socket('route', 'ids')
        for (const { key, pid, who } of those) places.push({ key, who, at: questions.netlink('ids', namespaceIdGet(pid), 256) })
        questions.close('ids')
        if (asker.pid !== undefined) questions.leave('net')
      }
      const answers = await askIn(asker, instrument, write, missing)
      if (entered !== undefined && answers.has(entered)) continue
      for (const { key, at, who } of places) {
        const answer = answerIn(answers.get(at))
        const id = answer && decodeNamespaceId(answer.bytes)
        if (id === undefined) continue
        this.#known.set(key, id)
        this.#asked.set(key, who)
      }
    }
    return this.#known
  }

  #forget(key: string): void {
    this.#known.delete(key)
    this.#asked.delete(key)
  }
}
