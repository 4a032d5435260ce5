/**
 * A trace: what happened in one session of stepping (a lesson, `drydock run --step`, the prompt of system calls), event by event. It is written as
 * lines of JSON while it happens, so that a page can follow it, and what was followed can be played again, forwards and backwards.
 */
import type { Delta, Picture } from '../picture/types.js'

export interface TraceEvent {
  /** 0, 1, 2, … without a gap. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: Happening
}

export type Happening =
  | SessionBegins
  | SceneOpens
  | Said
  | ActAhead
  | ActDone
  | Looked
  | Predicted
  | Tried
  | Printed
  | PictureTaken
  | PictureChanged
  | RecordingStops
  | SessionEnds

/** Always the first event. */
export interface SessionBegins {
  readonly kind: 'session'
  readonly version: 1
  readonly session: 'lesson' | 'run' | 'prompt'
  readonly title: string
  readonly pid: number
  readonly uid: number
  /** True when nobody is asked. */
  readonly auto: boolean
  readonly lesson?: { readonly number: number; readonly name: string; readonly scenes: readonly string[] }
}

export interface SceneOpens {
  readonly kind: 'scene'
  /** From 0. */
  readonly index: number
  readonly heading: string
  readonly markdown: string
}

export interface Said {
  readonly kind: 'said'
  readonly markdown: string
}

/** Steps are about to be made: one, or several under a title. */
export interface ActAhead {
  readonly kind: 'ahead'
  readonly box: string
  readonly title?: string
  readonly steps: readonly StepWords[]
  /** Pids (as the host counts) of the shim and of its child, where they are: what to look at. */
  readonly focus: readonly number[]
}

export interface ActDone {
  readonly kind: 'done'
  readonly box: string
  readonly results: readonly ResultWords[]
  /** What changed, in lines for a person, as the terminal shows them. */
  readonly changes: readonly string[]
  /** Why it failed here, when it did. */
  readonly because: readonly string[]
  readonly focus: readonly number[]
}

/** A step in words. */
export interface StepWords {
  readonly actor: 'host' | 'container'
  readonly call: string
  /** The whole call as the terminal shows it. */
  readonly shown: string
  readonly args: readonly {
    readonly name: string
    readonly shown: string
    readonly words: readonly { readonly word: string; readonly means: string }[]
  }[]
  readonly phase?: string
  readonly why?: string
  /** What the call does, in one line (its card). */
  readonly summary?: string
  /** The command line that has the kernel do the same. */
  readonly shell?: string
}

export interface ResultWords {
  readonly status: 'ok' | 'failed' | 'allowed' | 'not run'
  /** `0`, `7`, `-1 EPERM (Operation not permitted)`. */
  readonly outcome: string
  readonly errno?: string
  readonly nanoseconds: number
  /** What it answered besides, in lines: what was read, who connected. */
  readonly answers?: readonly string[]
}

export interface Looked {
  readonly kind: 'looked'
  readonly title: string
  readonly rows: readonly { readonly label: string; readonly value: string; readonly notice?: boolean }[]
}

export interface Predicted {
  readonly kind: 'predicted'
  readonly question: string
  readonly choices: readonly string[]
  readonly said?: string
  readonly measured: string
  readonly because: string
}

/** A try at an exercise was checked. */
export interface Tried {
  readonly kind: 'tried'
  readonly exercise: string
  readonly title: string
  readonly passed: boolean
  /** What the check saw that is not as asked. */
  readonly saw: readonly string[]
}

/** What a program in the box has written. */
export interface Printed {
  readonly kind: 'printed'
  readonly box: string
  readonly text: string
}

/**
 * A whole picture: the first one of a trace. A picture belongs to the event that it follows: after `ahead` it is the state before the act, after `done` and
 * all others the state afterwards. What is only said or printed in between changes nothing of that.
 */
export interface PictureTaken {
  readonly kind: 'picture'
  readonly picture: Picture
}

/** What has changed since the last picture of this trace. */
export interface PictureChanged {
  readonly kind: 'changed'
  readonly delta: Delta
}

/** The last event of a trace that has grown too long; the session itself goes on. */
export interface RecordingStops {
  readonly kind: 'stopped'
  readonly because: string
}

export interface SessionEnds {
  readonly kind: 'end'
  readonly status: number
}
