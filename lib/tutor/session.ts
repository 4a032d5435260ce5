/** An exercise with a person at it: the file is watched, each save is checked, hints come one at a time. */
import { sentenceOf } from '../kernel/errors.js'
import { confirm } from './ask.js'
import { checkExercise, type Verdict } from './checker.js'
import type { Display } from './display.js'
import { Quit } from './guide.js'
import { showKeys } from './key-line.js'
import type { Key, Keyboard } from './keys.js'
import type { Exercise, Lesson } from './lesson.js'
import { missing } from './needs.js'
import type { Progress } from './progress.js'
import { showExercise, showVerdict } from './show-verdict.js'
import { typeErrors } from './type-errors.js'
import { FileWatcher } from './watch.js'
import { ensureExercise, shownPath, solutionOf } from './workspace.js'

export interface SessionParts {
  readonly lesson: Lesson
  readonly exercise: Exercise
  readonly display: Display
  readonly keyboard: Keyboard
  readonly progress: Progress
  /** Is told of every check. */
  readonly tried: (verdict: Verdict) => void
}

export class ExerciseSession {
  readonly #parts: SessionParts
  readonly #path: string
  readonly #watcher: FileWatcher
  #passed: boolean
  #hinted = new Set<number>()
  #fitting: number | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#passed = parts.progress.lesson(parts.lesson.name).exercises.includes(parts.exercise.id)
    this.#path = ensureExercise(parts.lesson).path
    this.#watcher = new FileWatcher(this.#path)
  }

  /** Until it is passed and left, or left without. */
  async run(): Promise<void> {
    const { display, exercise } = this.#parts
    try {
      await showExercise(display, exercise)
      display.line()
      display.spans([
        { text: 'Your file: ' },
        { text: shownPath(this.#path), style: display.style.code },
        { text: ', function ' },
        { text: exercise.id, style: display.style.code },
        { text: '. Open it in your editor; every time you save it, it is checked.' },
      ])
      if (this.#passed) display.good('you have passed this exercise before, and it stays passed.')
      if (await this.#cannotBeChecked()) return
      while ((await this.#turn()) === 'stay');
    } finally {
      this.#watcher.close()
    }
  }

  async #cannotBeChecked(): Promise<boolean> {
    const { display, exercise, keyboard } = this.#parts
    const lacking = await missing(exercise.needs ?? [])
    if (lacking.length === 0) return false
    display.line()
    display.bad('This exercise cannot be checked here:', 'skipped')
    for (const { why, remedy } of lacking) {
      display.item(`${why}.`)
      display.text(`What helps: ${remedy}.`, '    ')
    }
    const erase = showKeys(display, [
      ['enter', 'go on'],
      ['q', 'quit'],
    ])
    const key = await keyboard.next()
    erase()
    if (key === 'q') throw new Quit()
    return true
  }

  /** One key or one save. */
  async #turn(): Promise<'stay' | 'leave'> {
    const { display, keyboard } = this.#parts
    const erase = showKeys(display, [
      ['c', 'check now'],
      ['h', 'hint'],
      ['v', 'solution'],
      ['g', 'goal'],
      ['enter', this.#passed ? 'go on' : 'go on without'],
      ['q', 'quit'],
    ])
    const giveUp = new AbortController()
    const event = await Promise.race([keyboard.next(giveUp.signal), this.#watcher.saved(giveUp.signal).then(() => 'saved')])
    giveUp.abort()
    erase()
    return this.#act(event)
  }

  async #act(event: Key): Promise<'stay' | 'leave'> {
    const { display, exercise, keyboard } = this.#parts
    if (event === 'saved' || event === 'c') await this.#check(event === 'saved' ? 'Saved' : 'Asked for')
    else if (event === 'h') this.#hint()
    else if (event === 'v') await this.#solution()
    else if (event === 'g') await showExercise(display, exercise)
    else if (event === 'q' || event === 'ctrl-d') throw new Quit()
    else if (event === 'enter') {
      if (this.#passed) return 'leave'
      const sure = await keyboard.away(() => confirm(display, 'Go on without having passed? The exercise stays open.'))
      if (sure) return 'leave'
    }
    return 'stay'
  }

  async #check(why: string): Promise<void> {
    const { lesson, exercise, display, progress, tried } = this.#parts
    this.#watcher.forget()
    display.line()
    display.note(`${why}: checking ${exercise.id} …`)
    let verdict: Verdict
    try {
      verdict = await checkExercise(exercise, this.#path)
    } catch (error) {
      if (error instanceof Quit) throw error
      display.bad(`The check could not be made: ${sentenceOf(error)}`, 'error')
      return
    }
    // Kept before it is told.
    if (verdict.passed) progress.passed(lesson.name, exercise.id)
    showVerdict(display, verdict)
    tried(verdict)
    this.#fitting = verdict.passed ? undefined : verdict.hint
    if (!verdict.passed) {
      await this.#types()
      if (exercise.hints.length > 0) display.note('Change the file and save it, or press h for a hint.')
      return
    }
    this.#passed = true
    display.note('Press v to compare with the solution of the lesson, Enter to go on.')
  }

  /** Wrong arguments, too, that came to no harm: a list of one letter each where a list of words was meant. */
  async #types(): Promise<void> {
    const { display } = this.#parts
    const errors = await typeErrors(this.#path)
    if (errors.length === 0) return
    display.text('TypeScript, which reads your file and does not run it, says:')
    for (const error of errors) display.item(error)
  }

  /** First the one that fits what was seen, then the others in their order. */
  #hint(): void {
    const { exercise, display } = this.#parts
    const { hints } = exercise
    const fitting = this.#fitting === undefined || this.#hinted.has(this.#fitting - 1) ? -1 : this.#fitting - 1
    const next = hints[fitting] !== undefined ? fitting : hints.findIndex((_, index) => !this.#hinted.has(index))
    display.line()
    if (next < 0) {
      display.text(hints.length === 0 ? 'There is no hint for this exercise.' : 'These are all hints there are:')
      for (const [index, hint] of hints.entries()) display.item(hint, '', `${index + 1}. `)
      return
    }
    this.#hinted.add(next)
    display.text(`Hint ${this.#hinted.size} of ${hints.length}: ${hints[next]}`)
  }

  async #solution(): Promise<void> {
    const { lesson, exercise, display, keyboard } = this.#parts
    const ask = () => confirm(display, 'Show the solution before you have passed? You can still pass.')
    if (!this.#passed && !(await keyboard.away(ask))) return
    display.line()
    await display.markdown(`\`\`\`ts\n${solutionOf(lesson, exercise.id)}\n\`\`\``)
  }
}
