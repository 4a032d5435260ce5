/** Which traces there are. */
import { closeSync, fstatSync, readSync } from 'node:fs'
import { isAlive } from '../kernel/owner.js'
import { namesIfReadable } from '../kernel/readable.js'
import { inTraceDirectory, madeAt, makerOf, openTrace, type TraceDirectory, traceDirectories, traceFile, traceIdOf } from './places.js'
import { LONGEST_FILE } from './read.js'
import { parseTraceLine } from './shape.js'
import type { SessionBegins } from './types.js'

export interface TraceSummary extends Pick<SessionBegins, 'session' | 'title' | 'pid' | 'auto' | 'lesson'> {
  readonly id: string
  readonly path: string
  /** Uid of whose it is, by the file itself. */
  readonly owner: number
  /** Milliseconds since 1970. */
  readonly began: number
  /** Does its program still run, and has the session not ended? */
  readonly running: boolean
  /** Whole lines in it. */
  readonly events: number
}

/** So many are shown of one user; no more are kept (keep.ts), but somebody else's directory may hold anything. */
const MOST = 40

/** Bytes within which the first line, and the line of an end, must be. */
const NEAR = 64 * 1024

/** Remembers what it has read of each file, so that asking again and again costs little. */
export class TraceShelf {
  #known = new Map<string, Known>()

  /** Newest first. */
  list(directories: readonly TraceDirectory[] = traceDirectories()): TraceSummary[] {
    const seen = new Map<string, Known>()
    const found = directories.flatMap((directory) => this.#in(directory, seen))
    this.#known = seen
    return found.sort((one, other) => other.began - one.began)
  }

  #in({ path, owner }: TraceDirectory, seen: Map<string, Known>): TraceSummary[] {
    const ids = traceIdsIn({ path, owner })
    return ids.slice(0, MOST).flatMap((id) => {
      const file = traceFile(path, id)
      const known = this.#read(file, owner)
      if (!known) return []
      seen.set(file, known)
      const { session, title, pid, auto, lesson } = known.begins
      const running = !known.ended && isAlive(makerOf(id), known.began)
      const about = { session, title, pid, auto, ...(lesson && { lesson }) }
      return [{ ...about, id, path: file, owner, began: known.began, running, events: known.events }]
    })
  }

  #read(path: string, owner: number): Known | undefined {
    const file = openTrace(path, owner)
    if (file === undefined) return undefined
    try {
      const { ino, size: whole } = fstatSync(file)
      // A file of somebody else's may be as long as it likes, and this is asked again and again.
      const size = Math.min(whole, LONGEST_FILE)
      const before = this.#known.get(path)
      const known = before && before.ino === ino && before.size <= size ? before : begin(file, ino)
      return known && known.size < size ? further(file, known, size) : known
    } finally {
      closeSync(file)
    }
  }
}

/** All of this user, and for root of every user's. */
export const listTraces = (directories?: readonly TraceDirectory[]): TraceSummary[] => new TraceShelf().list(directories)

/** By their names, newest first. */
function traceIdsIn(directory: TraceDirectory): string[] {
  const names = inTraceDirectory(directory, namesIfReadable) ?? []
  return names.flatMap((name) => traceIdOf(name) ?? []).sort((one, other) => madeAt(other) - madeAt(one))
}

interface Known {
  readonly ino: number
  /** Bytes that were looked at. */
  readonly size: number
  readonly begins: SessionBegins
  readonly began: number
  readonly events: number
  readonly ended: boolean
}

function begin(file: number, ino: number): Known | undefined {
  const bytes = bytesAt(file, 0, NEAR)
  const end = bytes.indexOf(10)
  const event = end < 0 ? undefined : parseTraceLine(bytes.toString('utf8', 0, end))
  if (event?.what.kind !== 'session') return undefined
  return { ino, size: 0, begins: event.what, began: event.at, events: 0, ended: false }
}

function further(file: number, known: Known, size: number): Known {
  let { events } = known
  let at = known.size
  while (at < size) {
    const bytes = bytesAt(file, at, Math.min(NEAR, size - at))
    if (bytes.length === 0) break
    for (let next = bytes.indexOf(10); next >= 0; next = bytes.indexOf(10, next + 1)) events++
    at += bytes.length
  }
  const last = bytesAt(file, Math.max(0, size - NEAR), Math.min(NEAR, size))
    .toString('utf8')
    .trimEnd()
  const ended = parseTraceLine(last.slice(last.lastIndexOf('\n') + 1))?.what.kind === 'end'
  return { ...known, size: at, events, ended }
}

function bytesAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(file, bytes, 0, length, position))
}
