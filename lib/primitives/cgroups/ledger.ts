/**
 * What drydock made in the host's cgroup trees, on disk: written down before it is made, struck out when it is gone. Steps undo
 * themselves, also when this process is killed; the ledger is for what is left when the shim was killed too.
 *
 * One file for each process that makes cgroups, which alone writes it, a line at a time:
 *
 *     {"made":"/sys/fs/cgroup/memory/drydock/box","device":47}
 *     {"gone":"/sys/fs/cgroup/memory/drydock/box"}
 */
import { appendFileSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { constant } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { OWN_CGROUP, runDirectory } from '../../kernel/places.js'
import { readProcess } from '../../kernel/proc/processes.js'

/** A directory that is still written down. */
export interface Leftover {
  readonly path: string
  /** The process that made it. */
  readonly owner: number
  /** 'owned': its maker lives. 'gone': removed already. 'used': processes or cgroups are in it. 'left': nobody's, and empty. */
  readonly state: 'owned' | 'gone' | 'used' | 'left'
}

interface Entry {
  readonly path: string
  /** st_dev of the cgroup file system it was to be made in, so that nothing mounted over it later is taken for it. */
  readonly device: number
}

const PREFIX = 'cgroups-'

/** The page of this process. */
export class Ledger {
  readonly #file: string
  readonly #open = new Map<string, number>()

  constructor(directory: string = runDirectory()) {
    this.#file = join(directory, `${PREFIX}${process.pid}-${startTime(process.pid)}.ledger`)
  }

  /** Before they are made: a cgroups fragment has them as `made`. */
  willMake(paths: readonly string[]): void {
    this.#append(
      paths.map((path) => {
        checkOurs(path)
        this.#open.set(path, (this.#open.get(path) ?? 0) + 1)
        return { made: path, device: deviceOf(path) }
      }),
    )
  }

  /** After they were removed; those that others still use stay written down. */
  strikeOut(paths: readonly string[]): void {
    const gone = paths.filter((path) => !isDirectory(path))
    this.#append(gone.map((path) => ({ gone: path })))
    for (const path of gone) this.#open.delete(path)
    if (this.#open.size === 0) rmSync(this.#file, { force: true })
  }

  #append(lines: readonly object[]): void {
    if (lines.length > 0) appendFileSync(this.#file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 })
  }
}

/** Everything written down by anybody who used this run directory, from the innermost directory outwards. */
export function readLedger(directory: string = runDirectory()): Leftover[] {
  return pages(directory).flatMap(({ owner, alive, entries }) =>
    entries.map(({ path, device }) => ({ path, owner, state: alive ? 'owned' : stateOf(path, device) })),
  )
}

/**
 * Remove what is nobody's: by its exact name, empty, with nothing mounted on the way to it, and only when the process that made it
 * has ended. Returns what was removed; pages on which nothing is left are removed too.
 */
export function removeLeftovers(directory: string = runDirectory()): string[] {
  const removed: string[] = []
  for (const { file, alive, entries } of pages(directory)) {
    if (alive) continue
    let remaining = 0
    for (const { path, device } of entries) {
      if (stateOf(path, device) === 'left' && removeEmpty(path)) removed.push(path)
      if (isDirectory(path)) remaining++
    }
    if (remaining === 0) rmSync(file, { force: true })
  }
  return removed
}

interface Page {
  readonly file: string
  readonly owner: number
  readonly alive: boolean
  readonly entries: readonly Entry[]
}

function pages(directory: string): Page[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(PREFIX) && name.endsWith('.ledger'))
    .flatMap((name) => {
      const [, pid = '', start = ''] = /^cgroups-(\d+)-(\d+)\.ledger$/.exec(name) ?? []
      if (pid === '') return []
      const file = join(directory, name)
      return [{ file, owner: Number(pid), alive: startTime(Number(pid)) === start, entries: readPage(file) }]
    })
}

/** Deepest first. A line that a crash cut short is no entry; what it would have named was not made yet. */
function readPage(file: string): Entry[] {
  const entries = new Map<string, Entry>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const parsed = parse(line)
    if (parsed?.made !== undefined && parsed.device !== undefined) entries.set(parsed.made, { path: parsed.made, device: parsed.device })
    if (parsed?.gone !== undefined) entries.delete(parsed.gone)
  }
  return [...entries.values()].filter(({ path }) => isOurs(path)).sort((a, b) => b.path.length - a.path.length)
}

function parse(line: string): { made?: string; gone?: string; device?: number } | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function stateOf(path: string, device: number): Leftover['state'] {
  if (!isDirectory(path)) return 'gone'
  if (!onOneMount(path, device)) return 'used'
  const children = readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory())
  const processes = ['cgroup.procs', 'tasks'].some((file) => isFilled(join(path, file)))
  return children || processes ? 'used' : 'left'
}

/** From drydock's directory down, every component is a directory (no link) of the cgroup file system that was written down. */
function onOneMount(path: string, device: number): boolean {
  const top = path.indexOf(`/${OWN_CGROUP}`) + OWN_CGROUP.length + 1
  for (let at = path; at.length >= top; at = dirname(at)) {
    const found = lstatSync(at)
    if (!found.isDirectory() || found.dev !== device) return false
  }
  return [constant('fs_magic', 'cgroup'), constant('fs_magic', 'cgroup2')].includes(statfsSync(path).type)
}

function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    // Somebody moved in meanwhile, or it is gone: either way it is not ours to remove any more.
    return false
  }
}

const isOurs = (path: string) => path.startsWith('/') && !path.split('/').includes('..') && /\/drydock(\/|$)/.test(path)

function checkOurs(path: string): void {
  if (!isOurs(path)) throw new DrydockError(`${path} is not below a directory of drydock's, so it does not belong in the ledger`)
}

/** The device of the nearest directory that exists already. */
function deviceOf(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    try {
      return statSync(at).dev
    } catch (error) {
      if (at === '/') throw error
    }
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isFilled(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') !== ''
  } catch {
    return false
  }
}

/** With its start, in ticks since boot, a process id means one process for ever. Undefined when there is none. */
function startTime(pid: number): string | undefined {
  return readProcess(pid)?.startTicks.toString()
}
