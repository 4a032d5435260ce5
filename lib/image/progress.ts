/** What pulling, pushing and loading say while they are at it: Docker's words in Docker's JSON (Engine API, "JSON stream"); who shows them decides how. */
import { shortDigest } from './store/index.js'
import type { Digest } from './types.js'

export interface Progress {
  /** The short digest of a layer, or a tag. Absent: a line about the whole. */
  readonly id?: string
  readonly status: string
  /** Bytes. */
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

export type OnProgress = (progress: Progress) => void

/** Between two of the same bar, in milliseconds. */
const MOMENT = 100

/** The line of one layer. */
export class Line {
  readonly #id: string
  readonly #on: OnProgress
  #last = 0

  constructor(digest: Digest, on: OnProgress) {
    this.#id = shortDigest(digest)
    this.#on = on
  }

  say(status: string): void {
    this.#on({ id: this.#id, status, progressDetail: {} })
  }

  /** So far; left out where the one before was just now. */
  bar(status: string, current: number, total?: number): void {
    const now = performance.now()
    if (now - this.#last < MOMENT && current !== total) return
    this.#last = now
    this.#on({ id: this.#id, status, progressDetail: { current, ...(total !== undefined && { total }) } })
  }
}
