/** Who leads through a lesson: nobody (stage-auto) or a person with a keyboard (stage-interactive). */
import type { Step } from '../kernel/step.js'
import type { StageBox } from './box.js'
import type { Verdict } from './checker.js'
import type { Exercise, Lesson, Prediction, Suggestion } from './lesson.js'

/** Something that is about to be done in a box: one step, or several under a title. */
export interface Act {
  readonly title?: string
  readonly steps: readonly Step[]
  /** Errors that the lesson expects of it. */
  readonly fails?: readonly string[]
}

export interface Guide {
  /** True when nobody is asked. */
  readonly auto: boolean
  /** A scene opens; what was said for the last one ("run all") holds no longer. */
  scene(heading: string): void
  /** The words of a scene were shown. 'skip' leaves its play out, 'exercises' all of it but these. */
  read(more: { readonly plays: boolean; readonly exercises: number }): Promise<'go on' | 'skip' | 'exercises'>
  /** An act is shown; returns when it may be done. */
  before(box: StageBox, act: Act): Promise<void>
  /** Index of the choice that was made, if anybody is there to make one. */
  predict(question: Prediction): Promise<number | undefined>
  shell(box: StageBox, suggestions: readonly Suggestion[]): Promise<void>
  /** `tried` is told of every check. */
  exercise(lesson: Lesson, exercise: Exercise, tried: (verdict: Verdict) => void): Promise<void>
  /** A scene ended with an error, which was shown. */
  stumbled(heading: string): Promise<'again' | 'go on'>
  /** The lesson is over: the terminal is as it was. */
  leave(): void
}

/** The person leaves: everything is undone, progress is kept, and this is the program's exit status. */
export class Quit extends Error {
  readonly status: number

  constructor(status = 0) {
    super('quit')
    this.name = 'Quit'
    this.status = status
  }
}
