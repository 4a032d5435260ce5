/** Through a lesson without a person: everything is done and shown, nothing is asked. */

import { DrydockError } from '../kernel/errors.js'
import type { StageBox } from './box.js'
import { checkExercise, type Verdict } from './checker.js'
import type { Display } from './display.js'
import type { Guide } from './guide.js'
import type { Exercise, Lesson, Prediction, Suggestion } from './lesson.js'
import { missing } from './needs.js'
import { showExercise, showVerdict } from './show-verdict.js'
import { solutionFile } from './workspace.js'

/** Letters before the choices, as they are shown to people too. */
export const letter = (index: number) => String.fromCharCode('a'.charCodeAt(0) + index)

export function showChoices(display: Display, { choices }: Prediction): void {
  choices.forEach((choice, index) => {
    display.spans([{ text: `${letter(index)}) `, style: display.style.key }, { text: choice }], '  ', '     ')
  })
}

export function showSuggestions(display: Display, suggestions: readonly Suggestion[]): void {
  for (const { command, why } of suggestions) {
    display.spans([{ text: command, style: display.style.code }], '  $ ', '    ')
    display.text(why, '      ', display.style.dim)
  }
}

export class AutoGuide implements Guide {
  readonly auto = true
  readonly #display: Display

  constructor(display: Display) {
    this.#display = display
  }

  scene(): void {}

  read(): Promise<'go on'> {
    return Promise.resolve('go on')
  }

  before(): Promise<void> {
    return Promise.resolve()
  }

  predict(question: Prediction): Promise<undefined> {
    showChoices(this.#display, question)
    return Promise.resolve(undefined)
  }

  shell(_box: StageBox, suggestions: readonly Suggestion[]): Promise<void> {
    this.#display.line()
    this.#display.text('With a person here, this would be a shell inside. Worth typing there:')
    showSuggestions(this.#display, suggestions)
    return Promise.resolve()
  }

  /** With nobody to do it, the lesson's own solution shows that it can be done. */
  async exercise(lesson: Lesson, exercise: Exercise, tried: (verdict: Verdict) => void): Promise<void> {
    await showExercise(this.#display, exercise)
    const lacking = await missing(exercise.needs ?? [])
    this.#display.line()
    if (lacking.length > 0) {
      this.#display.bad('This exercise cannot be checked here:', 'skipped')
      for (const { why } of lacking) this.#display.item(why)
      return
    }
    this.#display.text("With nobody here to do it, the lesson's own solution is tried:")
    const verdict = await checkExercise(exercise, solutionFile(lesson))
    showVerdict(this.#display, verdict)
    tried(verdict)
    if (!verdict.passed) throw new DrydockError(`the solution of exercise '${exercise.id}' did not pass its check`)
  }

  stumbled(): Promise<'go on'> {
    return Promise.resolve('go on')
  }

  leave(): void {}
}
