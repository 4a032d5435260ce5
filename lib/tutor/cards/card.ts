/** What a card is: everything that the tutor and the prompt can say about one system call. */
import type { Step } from '../../kernel/step.js'
import type { Group, Word } from '../../kernel/words.js'

/** Sentences by an error's name: what it would mean here, while a container is made. */
export type ErrorNotes = Readonly<Record<string, string>>

/** One sentence for every word of a group. A word without one is a type error. */
export type WordNotes<G extends Group> = Readonly<Record<Word<G>, string>>

export interface Card {
  /** The call's name as steps have it: the kernel's, such as `openat` or `prlimit64`. */
  readonly call: string
  /** The C prototype as its man page has it. */
  readonly signature: string
  /** One line. */
  readonly summary: string
  /** A few sentences for somebody who has never made a system call: what the kernel does, why a container needs it, since when. */
  readonly detail: string
  /** Page and section: `clone(2)`. */
  readonly man: string
  readonly errors: ErrorNotes
  /** Calls of many operations (prctl, ioctl): errors that mean something else for one of them, by the operation's word. */
  readonly operations?: Readonly<Record<string, ErrorNotes>>
  /**
   * The command line that has the kernel do the same, or undefined when there is none. `earlier`: the steps before this one,
   * by which a descriptor can be traced to the path that it was opened at.
   */
  shell?(step: Step, earlier?: readonly Step[]): string | undefined
}

/** A paragraph that is broken over lines in the source and is one line for the reader. */
export function prose(strings: TemplateStringsArray): string {
  return strings.join('').replace(/\s+/g, ' ').trim()
}
