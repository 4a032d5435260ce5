/** The namespaces that the drawn processes and the reader are in, how those of users and pids are nested, and whose they are. */
import { textIfReadable } from '../kernel/readable.js'
import { type Instrument, inodeOf, type Questions } from './instrument.js'
import { Memo } from './memo.js'
import type { Missing } from './missing.js'
import { type Inodes, identity, KINDS, type Kind, type Seen } from './scan.js'
import type { NamespaceView } from './types.js'

/** What cannot change while a namespace lives: inode numbers; undefined: outside of what the reader may know. */
interface Origin {
  readonly parent: number | undefined
  readonly owner: number | undefined
  /** Somebody who was in it when it was asked about. */
  readonly witness: Seen | undefined
}

export const keyOf = (kind: string, inode: number): string => `${kind}:${inode}`

interface Found {
  readonly kind: Kind
  readonly inode: number
  readonly members: Seen[]
  readonly drawn: number[]
}

export class NamespacesSeen {
  readonly #memo = new Memo<NamespaceView>()
  #origins = new Map<string, Origin>()

  async view(
    all: ReadonlyMap<number, Seen>,
    drawn: ReadonlySet<number>,
    reader: Inodes,
    instrument: Instrument,
    missing: Missing,
  ): Promise<Record<string, NamespaceView>> {
    const found = collect(all, drawn, reader)
    const origins = await this.#originsOf(found, all, instrument, missing)
    const views: Record<string, NamespaceView> = {}
    for (const [key, { kind, inode, members, drawn }] of found) {
      const { parent, owner } = origins.get(key) ?? { parent: undefined, owner: undefined }
      views[key] = {
        kind,
        inode,
        ...(parent !== undefined && { parent: keyOf(kind, parent) }),
        ...(owner !== undefined && { owner: keyOf('user', owner) }),
        host: reader[kind] === inode,
        drawn,
        members: members.length,
        ...(kind === 'user' && mapsOf(members)),
      }
    }
    this.#origins = origins
    addUnpeopled(views)
    return views
  }

  /** With the names that were found in uts namespaces; the same objects as in the last picture where nothing has changed. */
  named(views: Readonly<Record<string, NamespaceView>>, hostnames: ReadonlyMap<number, string>): Record<string, NamespaceView> {
    const named = Object.entries(views).map(([key, view]) => {
      const hostname = view.kind === 'uts' ? hostnames.get(view.inode) : undefined
      const whole = hostname === undefined ? view : { ...view, hostname }
      const { parent, owner, host, drawn, members, uidMap, gidMap } = whole
      const from = [parent, owner, host, drawn, members, uidMap, gidMap, hostname].join(' ')
      return [key, this.#memo.of(key, from, () => whole)] as const
    })
    this.#memo.turn()
    return Object.fromEntries(named)
  }

  async #originsOf(
    found: ReadonlyMap<string, Found>,
    all: ReadonlyMap<number, Seen>,
    instrument: Instrument,
    missing: Missing,
  ): Promise<Map<string, Origin>> {
    const origins = new Map<string, Origin>()
    const asked: { key: string; parent: number | undefined; owner: number }[] = []
    const unknown: [string, Found][] = []
    for (const [key, one] of found) {
      const known = this.#origins.get(key)
      // An inode number may be given again: it is the same namespace as long as somebody who was in it is in it.
      if (known && isIn(known.witness, one, all)) origins.set(key, known)
      else unknown.push([key, one])
    }
    if (unknown.length === 0) return origins
    const frames = await instrument.ask((questions) => {
      for (const [key, one] of unknown) asked.push({ key, ...askOrigin(questions, one) })
    }, missing)
    for (const { key, parent, owner } of asked) {
      const { inode: own, members } = found.get(key) ?? { inode: undefined, members: [] }
      const [up, user] = [parent === undefined ? undefined : inodeOf(frames.get(parent)), inodeOf(frames.get(owner))]
      origins.set(key, { parent: up === own ? undefined : up, owner: user, witness: members[0] })
    }
    return origins
  }
}

/** Is this process still there, and in this namespace? The reader himself is for certain. */
function isIn(witness: Seen | undefined, { kind, inode }: Found, all: ReadonlyMap<number, Seen>): boolean {
  if (!witness) return true
  const now = all.get(witness.pid)
  return now !== undefined && identity(now) === identity(witness) && now.namespaces?.[kind] === inode
}

/** By key; the reader's own are among them, whoever else is in them. */
function collect(all: ReadonlyMap<number, Seen>, drawn: ReadonlySet<number>, reader: Inodes): Map<string, Found> {
  const found = new Map<string, Found>()
  const place = (kind: Kind, inode: number) => {
    const key = keyOf(kind, inode)
    if (!found.has(key)) found.set(key, { kind, inode, members: [], drawn: [] })
  }
  for (const kind of KINDS) {
    for (const inode of [reader[kind], ...[...drawn].map((pid) => all.get(pid)?.namespaces?.[kind])])
      if (inode !== undefined) place(kind, inode)
  }
  for (const [pid, seen] of all) {
    for (const kind of KINDS) {
      const inode = seen.namespaces?.[kind]
      const one = inode === undefined ? undefined : found.get(keyOf(kind, inode))
      one?.members.push(seen)
      if (drawn.has(pid)) one?.drawn.push(pid)
    }
  }
  return found
}

/** ioctl_ns(2) by a file of somebody who is in it. A user namespace's owner is its parent, so it is not asked for twice. */
function askOrigin(questions: Questions, { kind, members }: Found): { parent: number | undefined; owner: number } {
  const [member] = members
  questions.open(`/proc/${member?.pid ?? 'self'}/ns/${kind}`, 'namespace')
  questions.namespaceOf('namespace', 'ns_get_userns', 'owner')
  const owner = questions.stat('owner')
  questions.close('owner')
  let parent: number | undefined
  if (kind === 'user' || kind === 'pid') {
    questions.namespaceOf('namespace', 'ns_get_parent', 'parent')
    parent = questions.stat('parent')
    questions.close('parent')
  }
  questions.close('namespace')
  return { parent, owner }
}

/** The maps as the reader counts the ids outside; of the first member that tells them. */
function mapsOf(members: readonly Seen[]): Pick<NamespaceView, 'uidMap' | 'gidMap'> {
  for (const { pid } of members) {
    const [uidMap, gidMap] = ['uid_map', 'gid_map'].map((name) => textIfReadable(`/proc/${pid}/${name}`))
    if (uidMap !== undefined && gidMap !== undefined) return { uidMap: linesOfMap(uidMap), gidMap: linesOfMap(gidMap) }
  }
  return {}
}

const linesOfMap = (text: string): string[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().replace(/\s+/g, ' '))

/** A namespace that others were made in, or that owns some, but in which nobody is who is drawn. */
function addUnpeopled(views: Record<string, NamespaceView>): void {
  for (const { parent, owner } of Object.values(views)) {
    for (const key of [parent, owner]) {
      const [kind, inode] = key?.split(':') ?? []
      if (key === undefined || kind === undefined || views[key]) continue
      views[key] = { kind, inode: Number(inode), host: false, drawn: [], members: 0 }
    }
  }
}
