/** What is asked from within: of network namespaces what they answer, as bytes, since most of them say the same as a second ago; of uts namespaces the name. */
import type { NetlinkMessage } from '../kernel/calls/sockets.js'
import type { ResultFrame } from '../kernel/frames.js'
import { addressDump } from '../kernel/netlink/address.js'
import { linkDump } from '../kernel/netlink/link.js'
import { listenersDump } from '../kernel/netlink/listeners.js'
import { decodeGeneration, generationGet } from '../kernel/netlink/nfnetlink.js'
import { routeDump } from '../kernel/netlink/route.js'
import { type Answers, answerIn, type Instrument, type Questions } from './instrument.js'
import type { Missing } from './missing.js'
import { keyOf } from './namespaces.js'
import type { Inodes, Seen } from './scan.js'
import { Turns } from './turns.js'
import type { NamespaceView } from './types.js'

/** A namespace that is entered. */
export interface Place {
  readonly kind: 'net' | 'uts'
  readonly inode: number
  /** Somebody in it; undefined: the reader himself. */
  readonly pid: number | undefined
  /** Somebody in the user namespace that owns it, when that is not the reader's. */
  readonly owner: number | undefined
}

/** The places of a picture, the reader's own first. */
export function placesOf(namespaces: Readonly<Record<string, NamespaceView>>, all: ReadonlyMap<number, Seen>, reader: Inodes): Place[] {
  const own = reader.user === undefined ? undefined : keyOf('user', reader.user)
  return Object.values(namespaces).flatMap(({ kind, inode, host, drawn, owner }): Place[] => {
    if (kind !== 'net' && kind !== 'uts') return []
    if (host) return [{ kind, inode, pid: undefined, owner: undefined }]
    // A zombie has left its network.
    const pid = drawn.find((one) => all.get(one)?.stat.state !== 'Z')
    if (pid === undefined) return []
    const inside = owner === undefined || owner === own ? undefined : (namespaces[owner]?.drawn[0] ?? pid)
    return [{ kind, inode, pid, owner: inside }]
  })
}

/** Answers of netlink as they came. */
export interface Surveyed {
  readonly links: Buffer
  readonly addresses: Buffer
  readonly routes: Buffer
  readonly listeners: Buffer
  readonly listeners6: Buffer
  /** How often the packet filter has been changed; undefined: this kernel has none. */
  readonly generation: number | 'forbidden' | undefined
}

/** By inode. */
export interface Surveys {
  readonly networks: Map<number, Surveyed>
  readonly hostnames: Map<number, string>
}

const DUMPS = {
  links: () => linkDump({ statistics: true }),
  addresses: () => addressDump(),
  routes: () => routeDump(),
  listeners: () => listenersDump(4),
  listeners6: () => listenersDump(6),
} as const satisfies Record<string, () => NetlinkMessage>

type Dump = keyof typeof DUMPS
const NAMES = Object.keys(DUMPS) as Dump[]

/** Bytes that are enough for a container with one cable; and the most that the shim has room for. */
const ROOM: Readonly<Record<Dump, number>> = { links: 4096, addresses: 1024, routes: 2048, listeners: 1024, listeners6: 1024 }
const MOST = 1024 * 1024

/** Shims for networks that belong to other user namespaces cost a process each. */
const MOST_OWNERS = 16

export class Survey {
  /** Room that was needed the last time, by inode. */
  #rooms = new Map<number, Record<Dump, number>>()
  readonly #messages = new Map(NAMES.map((name) => [name, DUMPS[name]()]))
  readonly #generation = generationGet()

  #last: Surveys = { networks: new Map(), hostnames: new Map() }
  readonly #turns = new Turns()

  /** A place that went meanwhile, or that may not be entered, is not among the answers. */
  async of(places: readonly Place[], instrument: Instrument, missing: Missing): Promise<Surveys> {
    const found: Surveys = { networks: new Map(), hostnames: new Map() }
    const asked = this.#due(places, found)
    const denied = await this.#askAll(asked.filter(mayGoDirectly), found, (write) => instrument.ask(write, missing), true)
    if (denied) missing.say('The networks and names of other users’ processes may not be looked into: look as root.')
    const owned = asked.filter((place) => !mayGoDirectly(place))
    const owners = [...new Set(owned.flatMap(({ owner }) => owner ?? []))]
    if (owners.length > MOST_OWNERS)
      missing.say(`Of the networks that belong to other user namespaces only those of ${MOST_OWNERS} are looked into.`)
    for (const owner of owners.slice(0, MOST_OWNERS)) {
      const those = owned.filter((one) => one.owner === owner)
      await this.#askAll(those, found, (write) => instrument.askWithin(owner, write, missing), false)
    }
    for (const inode of this.#rooms.keys()) if (!found.networks.has(inode)) this.#rooms.delete(inode)
    this.#last = found
    return found
  }

  /** Those whose turn it is; of the others is found what they answered the last time. The reader's own come each time. */
  #due(places: readonly Place[], found: Surveys): Place[] {
    const keyOfPlace = ({ kind, inode, pid }: Place) => `${kind} ${inode} ${pid}`
    this.#turns.begin(new Set(places.map(keyOfPlace)))
    return places.filter((place) => {
      const { kind, inode, pid } = place
      if (this.#turns.due(keyOfPlace(place)) || pid === undefined) return true
      const [network, hostname] = [this.#last.networks.get(inode), this.#last.hostnames.get(inode)]
      if (kind === 'net' && network) found.networks.set(inode, network)
      else if (kind === 'uts' && hostname !== undefined) found.hostnames.set(inode, hostname)
      else return true
      return false
    })
  }

  /** Was there one that may not be entered? `back`: the shim is asked again later. */
  async #askAll(
    places: readonly Place[],
    found: Surveys,
    ask: (write: (questions: Questions) => void) => Promise<Answers>,
    back: boolean,
  ): Promise<boolean> {
    let denied = false
    let left = places
    while (left.length > 0) {
      const asked: Asked[] = []
      const answers = await ask((questions) => {
        for (const place of left) asked.push(this.#askOne(questions, place))
        for (const kind of ['net', 'uts'] as const)
          if (back && asked.some(({ place }) => place.kind === kind && place.pid !== undefined)) questions.leave(kind)
      })
      const again: Place[] = []
      for (const one of asked) {
        const { place, entered } = one
        // A step that succeeded and has nothing to say is not heard of.
        const failure = entered === undefined ? undefined : answers.get(entered)
        if (failure) denied ||= failure.errno === EPERM
        else if (one.hostname !== undefined) addHostname(found.hostnames, place, answers.get(one.hostname))
        else if (this.#grown(one, answers)) again.push(place)
        else found.networks.set(place.inode, surveyedOf(one, answers))
      }
      left = again
    }
    return denied
  }

  #askOne(questions: Questions, place: Place): Asked {
    const { kind, inode, pid } = place
    const entered = pid === undefined ? undefined : questions.enter(`/proc/${pid}/ns/${kind}`, kind)
    if (kind === 'uts') return { place, entered, hostname: questions.uname(), at: {}, generation: undefined }
    const room = this.#rooms.get(inode) ?? ROOM
    const at: { -readonly [D in Dump]?: number } = {}
    questions.socket('route', 'route')
    questions.socket('sock_diag', 'diag')
    for (const name of NAMES) {
      const socket = name === 'listeners' || name === 'listeners6' ? 'diag' : 'route'
      at[name] = questions.netlink(socket, this.#messages.get(name) as NetlinkMessage, room[name])
    }
    questions.close('route')
    questions.close('diag')
    questions.socket('netfilter', 'filter')
    const generation = questions.netlink('filter', this.#generation, 256)
    questions.close('filter')
    return { place, entered, hostname: undefined, at, generation }
  }

  /** Was there an answer that there was not room for, and can there be more? */
  #grown({ place, at }: Asked, answers: Answers): boolean {
    const room = { ...(this.#rooms.get(place.inode) ?? ROOM) }
    let grown = false
    for (const name of NAMES) {
      const length = answerAt(answers, at[name])?.length ?? 0
      if (length <= room[name] || room[name] === MOST) continue
      // A half more than now: it grows while it is asked for.
      room[name] = Math.min(MOST, Math.ceil(length * 1.5))
      grown = true
    }
    if (grown) this.#rooms.set(place.inode, room)
    return grown
  }
}

const EPERM = 1

/** Root may go into any; another user only by way of the user namespace that owns it. */
export const mayGoDirectly = ({ owner }: Place): boolean => owner === undefined || process.geteuid?.() === 0

/** One batch of questions by a shim that may enter this place. */
export function askIn(place: Place, instrument: Instrument, write: (questions: Questions) => void, missing: Missing): Promise<Answers> {
  const { owner } = place
  return owner === undefined || mayGoDirectly(place) ? instrument.ask(write, missing) : instrument.askWithin(owner, write, missing)
}

/** Numbers of the steps that answer. */
interface Asked {
  readonly place: Place
  readonly entered: number | undefined
  readonly hostname: number | undefined
  readonly at: { readonly [D in Dump]?: number }
  readonly generation: number | undefined
}

const answerAt = (answers: Answers, at: number | undefined) => (at === undefined ? undefined : answerIn(answers.get(at)))

/** struct utsname: the host's name is the second of its strings of 65 bytes. */
function addHostname(hostnames: Map<number, string>, { inode }: Place, frame: ResultFrame | undefined): void {
  const [name] = frame?.outs ?? []
  if (frame?.status === 'ok' && name) hostnames.set(inode, name.toString('utf8', 65, name.indexOf(0, 65)))
}

function surveyedOf({ at, generation }: Asked, answers: Answers): Surveyed {
  const bytes = (name: Dump) => answerAt(answers, at[name])?.bytes ?? Buffer.alloc(0)
  const told = answerAt(answers, generation)
  const forbidden = generation !== undefined && answers.get(generation)?.errno === EPERM
  return {
    links: bytes('links'),
    addresses: bytes('addresses'),
    routes: bytes('routes'),
    listeners: bytes('listeners'),
    listeners6: bytes('listeners6'),
    generation: forbidden ? 'forbidden' : told && decodeGeneration(told.bytes),
  }
}
