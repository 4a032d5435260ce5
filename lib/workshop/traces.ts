/** What the workshop knows of recorded sessions: those of this user, and for root those of all. */
import { readFileSync, statSync } from 'node:fs'
import { userNames } from '../engine/inside/ps.js'
import { DrydockError } from '../kernel/errors.js'
import { textIfReadable } from '../kernel/readable.js'
import { followTrace, readTrace, TraceShelf, type TraceSummary } from '../trace/index.js'
import { parseTraceLine } from '../trace/shape.js'
import type { TraceEvent } from '../trace/types.js'
import type { Exported, SessionSummary } from './protocol.js'

export interface Traces {
  /** Newest first. */
  list(): readonly SessionSummary[]
  /** All events of one; undefined when there is none. */
  read(id: string): readonly TraceEvent[] | undefined
  /** Those from number `first` on, and what comes to be written until `signal` is aborted; undefined when there is none. */
  follow(id: string, first: number, signal: AbortSignal): AsyncIterable<TraceEvent> | undefined
}

/** Bytes of a trace that is named by its file. */
const LARGEST = 80 * 1024 * 1024

export class Recorded implements Traces {
  readonly #shelf = new TraceShelf()

  list(): readonly SessionSummary[] {
    const names = userNames(textIfReadable('/etc/passwd') ?? '')
    return this.#shelf.list().map((trace) => summaryOf(trace, names))
  }

  read(id: string): readonly TraceEvent[] | undefined {
    const found = this.#find(id)
    return found && readTrace(found.path, { owner: found.owner })
  }

  follow(id: string, first: number, signal: AbortSignal): AsyncIterable<TraceEvent> | undefined {
    const found = this.#find(id)
    return found && followTrace(found.path, first, { owner: found.owner, signal })
  }

  /** By its name in the list, `last`, or the file that it stands in. Throws a sentence when there is none. */
  export(words: string): Exported {
    const [newest, ...older] = this.list()
    const summary = words === 'last' ? newest : [newest, ...older].find((one) => one?.id === words)
    const events = summary && this.read(summary.id)
    if (summary && events) return { version: 1, summary, events }
    if (words === 'last') throw new DrydockError('nothing has been recorded here yet: step through a lesson, or `drydock run --step`')
    return fromFile(words)
  }

  #find(id: string): TraceSummary | undefined {
    return this.#shelf.list().find((trace) => idOf(trace) === id)
  }
}

/** Another user may have a trace of the same name. */
const idOf = ({ id, owner }: TraceSummary): string => (owner === process.geteuid?.() ? id : `${id}-${owner}`)

function summaryOf(trace: TraceSummary, names: ReadonlyMap<number, string>): SessionSummary {
  const { path: _, owner, ...rest } = trace
  return { ...rest, id: idOf(trace), user: names.get(owner) ?? String(owner) }
}

/** A trace that somebody has kept, or was given. */
function fromFile(path: string): Exported {
  const wrong = (why: string, cause?: unknown) => new DrydockError(`there is no trace ${JSON.stringify(path)}: ${why}`, { cause })
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw wrong('it is neither in `drydock view --list` nor a file')
  if (!found.isFile() || found.size > LARGEST) throw wrong(`what has that name is no file of at most ${LARGEST / 2 ** 20} MiB`)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw wrong(`the file cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
  const events = text.split('\n').flatMap((line) => parseTraceLine(line) ?? [])
  const [first] = events
  if (first?.what.kind !== 'session') throw wrong('the file does not begin as one')
  const { session, title, pid, auto, lesson, uid } = first.what
  const about = { session, title, pid, auto, ...(lesson && { lesson }) }
  const id = `${session}-${first.at.toString(36)}`.replace(/[^A-Za-z0-9-]/g, '')
  return { version: 1, summary: { ...about, id, user: String(uid), began: first.at, running: false, events: events.length }, events }
}
