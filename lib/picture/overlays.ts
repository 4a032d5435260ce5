/** Overlay mounts in the mount namespaces of a picture, and what has been changed in their upper directories. */
import { type Mount, type Overlay, overlayOf, parseMount } from '../kernel/proc/mountinfo.js'
import { linesOf } from '../kernel/proc/read.js'
import { textIfReadable } from '../kernel/readable.js'
import { type Instrument, startsWithY } from './instrument.js'
import { Layers } from './layers.js'
import { Memo } from './memo.js'
import type { Missing } from './missing.js'
import type { Inodes, Seen } from './scan.js'
import { Turns } from './turns.js'
import type { ChangeView, NamespaceView, OverlayView } from './types.js'
import { statOf, UpperWalk, type Walked } from './upper.js'

interface Found {
  readonly namespace: number
  readonly drawn: readonly number[]
  readonly host: boolean
  readonly mount: Mount
  readonly overlay: Overlay
  /** Where its paths are looked up: a root directory, `` for the reader's own. */
  readonly roots: readonly string[]
}

/** One whose upper directory was looked into. */
interface Opened extends Found {
  readonly upper: string
  readonly top: string
  readonly lower: readonly string[]
  readonly walked: Walked
  readonly attribute: string
}

export interface OverlaysAndChanges {
  readonly overlays: Record<string, OverlayView>
  readonly changes: Record<string, ChangeView>
}

export class OverlaysSeen {
  readonly #mounts = new Memo<Mount[]>()
  readonly #turns = new Turns()
  /** Texts of mountinfo: of the last picture, and of this one. */
  #last = new Map<string, string>()
  #now = new Map<string, string>()
  readonly #overlays = new Memo<OverlayView>()
  readonly #changes = new Memo<ChangeView>()
  readonly #walk = new UpperWalk()
  readonly #layers = new Layers()
  /** By directory: when it was changed before it was asked, and what was answered. */
  #opaque = new Map<string, { changed: number; opaque: boolean }>()

  /** `close`: where somebody tries things out, layers below may be others a moment later, and are looked at each time. */
  async view(
    namespaces: Readonly<Record<string, NamespaceView>>,
    all: ReadonlyMap<number, Seen>,
    reader: Inodes,
    instrument: Instrument,
    missing: Missing,
    close: boolean,
  ): Promise<OverlaysAndChanges> {
    const found = distinct(this.#find(namespaces, all, reader))
    const views: Record<string, OverlayView> = {}
    const changes: Record<string, ChangeView> = {}
    const opened: Opened[] = []
    const uppers = new Map<string, string>()
    for (const one of found) {
      const open = this.#open(one, uppers)
      if (typeof open === 'string') this.#show(views, one, noCounts(), false, open)
      else opened.push(open)
    }
    await this.#askOpaque(opened, instrument, missing)
    for (const one of opened) {
      const counts = noCounts()
      for (const change of this.#changesOf(one)) {
        counts[change.kind]++
        const key = `${one.upper}/${change.path}`
        changes[key] = this.#changes.of(key, `${change.kind} ${change.type} ${change.size}`, () => change)
      }
      this.#show(views, one, counts, one.walked.more)
    }
    this.#turn(close ? [] : opened)
    return { overlays: views, changes }
  }

  #turn(opened: readonly Opened[]): void {
    for (const memo of [this.#mounts, this.#overlays, this.#changes]) memo.turn()
    this.#walk.turn()
    this.#last = this.#now
    this.#now = new Map()
    this.#layers.keep(new Set(opened.flatMap(({ lower }) => lower)))
  }

  #find(namespaces: Readonly<Record<string, NamespaceView>>, all: ReadonlyMap<number, Seen>, reader: Inodes): Found[] {
    const places = Object.values(namespaces).flatMap((view) => {
      const pid = view.host ? ('self' as const) : view.drawn.find((one) => all.get(one)?.stat.state !== 'Z')
      return view.kind !== 'mnt' || pid === undefined ? [] : [{ view, pid }]
    })
    this.#turns.begin(new Set(places.map(({ view, pid }) => placeOf(view.inode, pid))))
    return places.flatMap(({ view: { inode, drawn, host }, pid }) =>
      this.#mountsOf(inode, pid).flatMap((mount): Found[] => {
        const overlay = overlayOf(mount)
        const roots = pid === 'self' ? [''] : rootsFor(pid, inode, mount, all, reader)
        return overlay ? [{ namespace: inode, drawn, host, mount, overlay, roots }] : []
      }),
    )
  }

  /** Overlays among the mounts of a namespace, as one of its processes sees them. */
  #mountsOf(namespace: number, pid: number | 'self'): Mount[] {
    const key = placeOf(namespace, pid)
    const last = this.#last.get(key)
    const text = last && !this.#turns.due(key) ? last : (textIfReadable(`/proc/${pid}/mountinfo`) ?? '')
    this.#now.set(key, text)
    return this.#mounts.of(key, text, () =>
      linesOf(text)
        .filter((line) => line.includes(' - overlay '))
        .map(parseMount),
    )
  }

  /** Or why its changes are not known. */
  #open(found: Found, uppers: Map<string, string>): Opened | string {
    const { overlay, mount, roots } = found
    const { upper, lower } = overlay
    if (upper === undefined) return ''
    if (![upper, ...lower].every((path) => path.startsWith('/'))) return 'its directories are told by relative names'
    const root = roots.find((one) => statOf(`${one}${upper}`)?.isDirectory())
    if (root === undefined) return 'its upper directory is not to be found under its name, or may not be seen'
    const top = `${root}${upper}`
    const stats = statOf(top)
    const directory = `${stats?.dev}:${stats?.ino}`
    const other = uppers.get(upper)
    if (other !== undefined && other !== directory) return 'another one in this picture has an upper directory of the same name elsewhere'
    uppers.set(upper, directory)
    try {
      const attribute = mount.superOptions.includes('userxattr') ? 'user.overlay.opaque' : 'trusted.overlay.opaque'
      return { ...found, upper, top, lower: lower.map((layer) => `${root}${layer}`), walked: this.#walk.of(top), attribute }
    } catch (error) {
      return `its upper directory cannot be read (${(error as NodeJS.ErrnoException).code})`
    }
  }

  /** The attribute of directories, in upper directories and below: Node cannot read it. */
  async #askOpaque(opened: readonly Opened[], instrument: Instrument, missing: Missing): Promise<void> {
    const asked: { at: number; decide: (opaque: boolean) => void }[] = []
    const opaque = new Map<string, { changed: number; opaque: boolean }>()
    const lower = new Map<string, string>()
    const upper = new Map<string, { changed: number; attribute: string }>()
    for (const one of opened) {
      for (const directory of this.#layers.undecided(one.lower, '')) lower.set(directory, one.attribute)
      for (const { path, changed } of one.walked.entries) {
        if (changed === undefined) continue
        for (const directory of this.#layers.undecided(one.lower, path)) lower.set(directory, one.attribute)
        const directory = `${one.top}${path}`
        const known = this.#opaque.get(directory)
        if (known?.changed === changed) opaque.set(directory, known)
        else upper.set(directory, { changed, attribute: one.attribute })
      }
    }
    this.#opaque = opaque
    if (lower.size + upper.size === 0) return
    const answers = await instrument.ask((questions) => {
      for (const [directory, attribute] of lower) {
        asked.push({ at: questions.attribute(directory, attribute), decide: (is) => this.#layers.decide(directory, is) })
      }
      for (const [directory, { changed, attribute }] of upper) {
        asked.push({ at: questions.attribute(directory, attribute), decide: (is) => opaque.set(directory, { changed, opaque: is }) })
      }
    }, missing)
    for (const { at, decide } of asked) decide(startsWithY(answers.get(at)))
  }

  *#changesOf({ upper, top, lower, walked }: Opened): Generator<ChangeView> {
    // In an opaque directory, and in one that is new, nothing of what is below is seen.
    const alone = new Set<string>()
    for (const { path, type, size, whiteout, changed } of walked.entries) {
      const parent = path.slice(0, path.lastIndexOf('/'))
      const opaque = changed !== undefined && this.#opaque.get(`${top}${path}`)?.opaque === true
      const copied = !whiteout && !opaque && !alone.has(parent) && this.#layers.has(lower, path)
      if (changed !== undefined && !copied) alone.add(path)
      const kind = whiteout ? 'whiteout' : opaque ? 'opaque' : copied ? 'copied up' : 'new'
      yield { upper, path, kind, type, size }
    }
  }

  #show(views: Record<string, OverlayView>, found: Found, counts: OverlayView['counts'], more: boolean, unseen = ''): void {
    const { namespace, mount, overlay, drawn } = found
    const { mountPoint, id } = mount
    const view = { namespace, mountPoint, ...overlay, counts, more, ...(unseen !== '' && { unseen }), drawn }
    const key = `${namespace}/${id}`
    views[key] = this.#overlays.of(key, JSON.stringify(view), () => view)
  }
}

const placeOf = (namespace: number, pid: number | 'self'): string => `${namespace} ${pid}`

const noCounts = (): Record<ChangeView['kind'], number> => ({ new: 0, 'copied up': 0, whiteout: 0, opaque: 0 })

/**
 * An overlay's directories are named as they were when it was mounted. Who has it for its root has left the tree in which that was, and the nearest
 * process above that is in another mount namespace is still there. Of any other one the names are those of its own tree.
 */
function rootsFor(pid: number, namespace: number, { mountPoint }: Mount, all: ReadonlyMap<number, Seen>, reader: Inodes): string[] {
  let above = all.get(all.get(pid)?.stat.ppid ?? 0)
  while (above && (above.namespaces?.mnt === undefined || above.namespaces.mnt === namespace)) above = all.get(above.stat.ppid)
  const outside = above === undefined || above.namespaces?.mnt === reader.mnt ? '' : `/proc/${above.pid}/root`
  const inside = `/proc/${pid}/root`
  return mountPoint === '/' ? [...new Set([outside, '', inside])] : [...new Set([inside, outside, ''])]
}

/**
 * A new mount namespace begins with copies of all mounts, so one overlay may be seen in many. Those are shown that are somebody's root; where it is
 * nobody's, or the reader's, the reader's own; and all where he has none.
 */
function distinct(found: readonly Found[]): Found[] {
  const byDevice = new Map<string, Found[]>()
  for (const one of found) {
    const { major, minor } = one.mount.device
    const key = `${major}:${minor}`
    byDevice.set(key, [...(byDevice.get(key) ?? []), one])
  }
  return [...byDevice.values()].flatMap((same) => {
    const own = same.filter(({ host }) => host)
    const roots = same.filter(({ host, mount }) => !host && mount.mountPoint === '/')
    if (roots.length > 0 && !own.some(({ mount }) => mount.mountPoint === '/')) return roots
    return own.length > 0 ? own : same
  })
}
