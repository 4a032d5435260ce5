/** Through a lesson without a person: everything is done and shown, nothing is asked. */
import type { StageBox } from './box.js'
import type { Display } from './display.js'
import type { Guide } from './guide.js'
import type { Exercise, Lesson, Prediction, Suggestion } from './lesson.js'

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
  readonly #solve: (lesson: Lesson, exercise: Exercise) => Promise<void>

  /** `solve` shows an exercise and checks its solution. */
  constructor(display: Display, solve: (lesson: Lesson, exercise: Exercise) => Promise<void>) {
    this.#display = display
    this.#solve = solve
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

  exercise(lesson: Lesson, exercise: Exercise): Promise<void> {
    return this.#solve(lesson, exercise)
  }

  stumbled(): Promise<'go on'> {
    return Promise.resolve('go on')
  }
}
