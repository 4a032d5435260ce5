/** The proof that a lesson has left nothing: the host before it and after it, compared. */
import { readChildren, readProcess } from '../kernel/proc/processes.js'
import { readProcFile } from '../kernel/proc/read.js'
import { diffSnapshots, hostSnapshot, type Seen, type Snapshot, type SnapshotKind } from '../kernel/snapshot.js'
import type { Display } from './display.js'

/** The kernel takes its time to remove some things (the host's end of a cable, up to 50 ms; more on a busy machine): so long a difference may be seen. */
const PATIENCE = 15_000

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
    let differences = differencesOf(before, after)
    for (const end = Date.now() + PATIENCE; differences.length > 0 && Date.now() < end; differences = differencesOf(before, after)) {
      await new Promise((resolve) => setTimeout(resolve, 25))
      after = await look()
    }
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

/** Kinds of things that a second tutor, an engine or a test makes and removes at the same time. */
const SHARED = ['processes', 'files', 'cgroups'] as const

/** What was there before a lesson is not made by it, so it is no matter of the lesson's when that goes. */
function differencesOf(before: Snapshot, after: Snapshot): string[] {
  const things = { ...before.things }
  for (const kind of SHARED) things[kind] = things[kind].filter(({ name }) => after.things[kind].some((one) => one.name === name))
  return diffSnapshots({ ...before, things }, after)
}

/** Without what belongs to another living program. */
function withoutOthers(snapshot: Snapshot): Snapshot {
  const { processes, files, cgroups } = snapshot.things
  const others = cgroups.filter((one) => !isNotAnothers(one)).map(({ name }) => name)
  const shims = new Set(processes.map(({ name }) => Number(name)))
  const things = {
    ...snapshot.things,
    processes: processes.filter(({ name }) => !isAnothers(Number(name), shims)),
    files: files.filter(isNotAnothers),
    // The directory above all of ours is shared: it goes with the last of them.
    cgroups: cgroups.filter((one) => isNotAnothers(one) && !others.some((name) => name.startsWith(`${one.name}/`))),
  }
  return { ...snapshot, things }
}

/**
 * Shims are children of shims, and the first of them of the program that started it. An orphan has been given to process 1 or to another
 * ancestor of who made it, and is nobody's, unless it is what looks after a container that was left running.
 */
function isAnothers(pid: number, shims: ReadonlySet<number>): boolean {
  let parent = parentOf(pid)
  while (parent !== undefined && shims.has(parent)) parent = parentOf(parent)
  if (minds(pid)) return true
  return parent !== undefined && parent > 1 && parent !== process.pid && !ancestors().has(parent)
}

function ancestors(): ReadonlySet<number> {
  const found = new Set<number>()
  for (let at = parentOf(process.pid); at !== undefined && at > 1 && !found.has(at); at = parentOf(at)) found.add(at)
  return found
}

/**
 * Names carry the process id of the program that made them, `bottle-drydock-4711-a1b2c3`: what another has left is for doctor. A container's
 * are its id, or the beginning of it: a lesson makes none outside of its bottle, so it is one that somebody runs beside it.
 */
function isNotAnothers({ name }: Seen): boolean {
  if (/\/(?:[0-9a-f]{64}(?:\/|$)|[0-9a-f]{12}\.sock$)/.test(name)) return false
  const owner = Number(/-(\d+)(?:-[0-9a-f]+|-\d+)?(?:\.sock)?(?:\/|$)/.exec(name)?.[1])
  return !Number.isInteger(owner) || owner === process.pid
}

/** Has this shim a child in a container's cgroup? */
function minds(shim: number): boolean {
  return readChildren(shim).some((child) => /\/drydock\/[0-9a-f]{64}(?:\/|$)/m.test(readProcFile(`/proc/${child}/cgroup`) ?? ''))
}

const parentOf = (pid: number) => readProcess(pid)?.ppid
