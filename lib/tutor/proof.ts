/** The proof that a lesson has left nothing: the host before it and after it, compared. */
import { readProcess } from '../kernel/proc/processes.js'
import { diffSnapshots, hostSnapshot, type Seen, type Snapshot, type SnapshotKind } from '../kernel/snapshot.js'
import type { Display } from './display.js'

/** The kernel takes its time to remove some things (the host's end of a cable, up to 50 ms): so long a difference may be seen. */
const PATIENCE = 2000

const NAMES: Record<SnapshotKind, readonly [one: string, many: string]> = {
  mounts: ['mount', 'mounts'],
  links: ['network link', 'network links'],
  cgroups: ['cgroup of drydock', 'cgroups of drydock'],
  rules: ['nft table of drydock', 'nft tables of drydock'],
  processes: ['process of drydock', 'processes of drydock'],
  files: ['file of drydock', 'files of drydock'],
}

export class Proof {
  readonly #before: Promise<Snapshot>

  private constructor(before: Promise<Snapshot>) {
    this.#before = before
    // Asked for at the end; until then nobody waits for it.
    before.catch(() => undefined)
  }

  /** The first look. It goes on in the background; wait for `taken` before anything is changed. */
  static begin(): Proof {
    return new Proof(look())
  }

  get taken(): Promise<unknown> {
    return this.#before
  }

  /** The second look. True when nothing is different. */
  async show(display: Display): Promise<boolean> {
    const before = await this.#before
    let after = await look()
    for (const end = Date.now() + PATIENCE; diffSnapshots(before, after).length > 0 && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 25))
      after = await look()
    }
    const differences = diffSnapshots(before, after)
    display.line()
    if (differences.length === 0) {
      display.good(`Your machine is as before: ${counts(after)} compared.`)
      for (const [kind, reason] of Object.entries(after.unreadable))
        display.note(`Not compared: ${NAMES[kind as SnapshotKind][1]} (${reason}).`)
      return true
    }
    display.bad('Your machine is not as before:', 'error')
    for (const difference of differences) display.item(difference)
    display.text('npm run doctor lists what is left and removes it.')
    return false
  }
}

const look = async () => withoutOthers(await hostSnapshot())

function counts({ things, settings, unreadable }: Snapshot): string {
  const parts = (Object.keys(NAMES) as SnapshotKind[]).flatMap((kind) => {
    const { length } = things[kind]
    return unreadable[kind] === undefined ? [`${length} ${NAMES[kind][length === 1 ? 0 : 1]}`] : []
  })
  return [...parts, `${Object.keys(settings).length} settings`].join(', ')
}

/** A second tutor, or an engine, works at the same time: what belongs to another living process is none of this lesson's. */
function withoutOthers(snapshot: Snapshot): Snapshot {
  const { processes, files, cgroups } = snapshot.things
  const things = {
    ...snapshot.things,
    processes: processes.filter(({ name }) => !hasOtherOwner(Number(name))),
    files: files.filter(isNotAnothers),
    cgroups: cgroups.filter(isNotAnothers),
  }
  return { ...snapshot, things }
}

/** Shims are children of a spawner, which is a child of the program that started it. One whose program is gone is an orphan: nobody's. */
function hasOtherOwner(pid: number): boolean {
  for (let at = parentOf(pid), steps = 0; at !== undefined && at > 1 && steps < 64; at = parentOf(at), steps++) {
    if (at === process.pid) return false
    if (isProgram(at)) return true
  }
  return false
}

/** Names carry the process id of the program that made them: `bottle-drydock-4711-a1b2c3`. */
function isNotAnothers({ name }: Seen): boolean {
  const owner = Number(/-(\d+)(?:-[0-9a-f]+|-\d+)?(?:\.sock)?(?:\/|$)/.exec(name)?.[1])
  return !Number.isInteger(owner) || owner === process.pid || !isProgram(owner)
}

const parentOf = (pid: number) => readProcess(pid)?.ppid

/** Does a program such as this one run under this number? By its short name, which everybody may read. */
function isProgram(pid: number): boolean {
  const name = readProcess(pid)?.comm
  return name !== undefined && (name.startsWith('node') || name === readProcess('self')?.comm)
}
