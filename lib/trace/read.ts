/** A trace read: all that is there, or all that is there and what comes while it grows. Lines that are no events are passed over. */
import { closeSync, fstatSync, readSync, watch } from 'node:fs'
import { isAlive } from '../kernel/owner.js'
import { openFile, openTrace } from './places.js'
import { parseTraceLine } from './shape.js'
import type { TraceEvent } from './types.js'

/** Bytes read at once. */
const PIECE = 256 * 1024

/** Bytes of a line; a longer one is no event of ours. */
const LONGEST_LINE = 16 * 1024 * 1024

/** Bytes of a file: what Journal writes, and its last line. Somebody else's file may be longer and is read no further. */
export const LONGEST_FILE = 80 * 1024 * 1024

/** Milliseconds after which a trace is looked at again though nobody has said that it has grown: not every file system tells. */
const SOMETIMES = 1000

export interface Reading {
  /** For what listTraces has found, in the directories of others too: the uid of whom it must be, and no link is followed. Otherwise the path is a path. */
  readonly owner?: number | undefined
}

/** The events of a trace, as far as they are written. None when there is no such trace. */
export function readTrace(path: string, { owner }: Reading = {}): TraceEvent[] {
  const lines = TraceLines.open(path, owner)
  if (!lines) return []
  try {
    return [...lines.events()]
  } finally {
    lines.close()
  }
}

export interface Following extends Reading {
  /** Ends it. */
  readonly signal?: AbortSignal
}

/**
 * The events of a trace from number `from` on, and those to come, until the session is over, or its program, or the file. A trace that does not exist has
 * none.
 */
export async function* followTrace(path: string, from = 0, { owner, signal }: Following = {}): AsyncGenerator<TraceEvent> {
  const lines = TraceLines.open(path, owner)
  if (!lines) return
  const growth = new Growth(path, signal)
  let begins: { readonly pid: number; readonly at: number } | undefined
  try {
    while (!signal?.aborted) {
      // Asked before it is read: what a program wrote before its end is read in the turn in which that end is seen.
      const over = begins !== undefined && !isAlive(begins.pid, begins.at)
      for (const event of lines.events()) {
        if (event.what.kind === 'session') begins ??= { pid: event.what.pid, at: event.at }
        if (event.seq >= from) yield event
        if (event.what.kind === 'end' || signal?.aborted) return
      }
      if (over || lines.removed) return
      await growth.next()
    }
  } finally {
    growth.close()
    lines.close()
  }
}

/** Reads on where it stopped; a line that is not whole yet is left for the next time. */
class TraceLines {
  readonly #file: number
  #at = 0
  #rest: Buffer = Buffer.alloc(0)
  /** Within a line that is too long. */
  #skipping = false

  static open(path: string, owner: number | undefined): TraceLines | undefined {
    const file = owner === undefined ? openFile(path) : openTrace(path, owner)
    return file === undefined ? undefined : new TraceLines(file)
  }

  private constructor(file: number) {
    this.#file = file
  }

  /** Has its name been taken away? */
  get removed(): boolean {
    return fstatSync(this.#file).nlink === 0
  }

  *events(): Generator<TraceEvent> {
    const piece = Buffer.alloc(PIECE)
    while (this.#at < LONGEST_FILE) {
      const length = readSync(this.#file, piece, 0, PIECE, this.#at)
      if (length === 0) return
      this.#at += length
      yield* this.#split(Buffer.concat([this.#rest, piece.subarray(0, length)]))
    }
  }

  *#split(bytes: Buffer): Generator<TraceEvent> {
    let from = 0
    for (let end = bytes.indexOf(10, this.#rest.length); end >= 0; end = bytes.indexOf(10, from)) {
      const event = this.#skipping ? undefined : parseTraceLine(bytes.toString('utf8', from, end))
      this.#skipping = false
      from = end + 1
      if (event) yield event
    }
    this.#rest = Buffer.from(bytes.subarray(from))
    if (this.#rest.length <= LONGEST_LINE) return
    this.#rest = Buffer.alloc(0)
    this.#skipping = true
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Waits until a file may have grown. */
class Growth {
  readonly #close: () => void
  #news = false
  #wake: (() => void) | undefined

  constructor(path: string, signal: AbortSignal | undefined) {
    const heard = () => {
      this.#news = true
      this.#wake?.()
    }
    const timer = setInterval(heard, SOMETIMES)
    let watcher: ReturnType<typeof watch> | undefined
    try {
      // No more than a hint: it goes by the name, whatever stands there now.
      watcher = watch(path, { persistent: false }, heard).on('error', () => undefined)
    } catch {
      // Too many are being watched (inotify(7)), or it has gone: then it is looked at now and then.
    }
    signal?.addEventListener('abort', heard)
    this.#close = () => {
      clearInterval(timer)
      watcher?.close()
      signal?.removeEventListener('abort', heard)
    }
  }

  async next(): Promise<void> {
    if (!this.#news) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    this.#news = false
  }

  close(): void {
    this.#close()
  }
}
