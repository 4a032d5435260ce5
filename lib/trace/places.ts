/**
 * Where traces are: `traces/ID.jsonl` in the run directory of who made them, so that they are gone when the machine starts anew. A reader who is root looks
 * into the run directories of all users. What stands there is theirs: it may be anything, at any moment another thing, and is opened with that in mind.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { runDirectory, runDirectoryPath, TRACES } from '../kernel/places.js'
import { namesIfReadable } from '../kernel/readable.js'

const ENDING = '.jsonl'

/** `lesson-4711-mb3k9f2a`: what it is of, the process that makes it, and when, in base 36. */
const ID = /^(lesson|run|prompt)-(\d{1,9})-([0-9a-z]{6,16})$/

export interface TraceDirectory {
  readonly path: string
  /** Who alone may have put something in it. */
  readonly owner: number
}

export function newTraceId(session: string, pid = process.pid, now = Date.now()): string {
  return `${session}-${pid}-${now.toString(36)}`
}

/** The id in a file's name; undefined for what is no trace. */
export function traceIdOf(name: string): string | undefined {
  const id = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : ''
  return ID.test(id) ? id : undefined
}

/** The process that makes a trace. */
export const makerOf = (id: string): number => Number(ID.exec(id)?.[2])

/** And when it was made, by its name. */
export const madeAt = (id: string): number => Number.parseInt(ID.exec(id)?.[3] ?? '0', 36)

export const traceFile = (directory: string, id: string): string => join(directory, `${id}${ENDING}`)

/** This user's, made when absent. */
export function ownTraceDirectory(): TraceDirectory {
  const path = join(runDirectory(), TRACES)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return { path, owner: process.geteuid?.() ?? 0 }
}

/** All that may be read, this user's first. They need not be there. */
export function traceDirectories(): TraceDirectory[] {
  const owner = process.geteuid?.() ?? 0
  const own = { path: join(runDirectoryPath(), TRACES), owner }
  if (owner !== 0) return [own]
  const users = (top: string, pattern: RegExp, path: (name: string) => string) =>
    namesIfReadable(top).flatMap((name) => {
      const uid = pattern.exec(name)?.[1]
      return uid === undefined ? [] : [{ path: join(path(name), TRACES), owner: Number(uid) }]
    })
  const others = [
    ...users('/run/user', /^(\d+)$/, (name) => join('/run/user', name, 'drydock')),
    ...users('/tmp', /^drydock-(\d+)$/, (name) => join('/tmp', name)),
  ]
  return [own, ...others.filter(({ path, owner: uid }) => path !== own.path && uid !== 0)]
}

/**
 * A directory of traces, open: each step of its path that a user could make into something else is opened without following a link, and must be that
 * user's. Undefined when it is not there, or not so. `use` is given a path that stays this directory's for as long as it runs.
 */
export function inTraceDirectory<T>({ path, owner }: TraceDirectory, use: (path: string) => T): T | undefined {
  const run = openOwned(dirname(path), owner, constants.O_DIRECTORY)
  if (run === undefined) return undefined
  try {
    const traces = openOwned(throughDescriptor(run, basename(path)), owner, constants.O_DIRECTORY)
    if (traces === undefined) return undefined
    try {
      return use(throughDescriptor(traces))
    } finally {
      closeSync(traces)
    }
  } finally {
    closeSync(run)
  }
}

/** A trace, open for reading; undefined when there is none that is a plain file of the owner's. */
export function openTrace(path: string, owner: number): number | undefined {
  return inTraceDirectory({ path: dirname(path), owner }, (directory) => {
    // A named pipe would keep whoever opens it waiting.
    const file = openOwned(join(directory, basename(path)), owner, constants.O_NONBLOCK)
    if (file === undefined || fstatSync(file).isFile()) return file
    closeSync(file)
    return undefined
  })
}

/** The file that somebody has named, open for reading; undefined when there is none. */
export function openFile(path: string): number | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (fstatSync(file).isFile()) return file
    closeSync(file)
  } catch {
    // It is not there, or may not be read.
  }
  return undefined
}

function openOwned(path: string, owner: number, flags: number): number | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags)
  } catch {
    return undefined
  }
  if (fstatSync(file).uid === owner) return file
  closeSync(file)
  return undefined
}

/** proc_pid_fd(5): what is open, or a name in it, whatever has come to stand under its path since. */
const throughDescriptor = (file: number, name = ''): string => join(`/proc/self/fd/${file}`, name, name === '' ? '/' : '')
