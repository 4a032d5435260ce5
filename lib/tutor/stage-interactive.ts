/** Through a lesson with a person at the keyboard: before each act it waits, explains, shows, opens a shell, or leaves. */

import { showStep } from '../kernel/show.js'
import type { Step } from '../kernel/step.js'
import { choose } from './ask.js'
import type { StageBox } from './box.js'
import type { Verdict } from './checker.js'
import type { Display } from './display.js'
import { showExplanation } from './explain.js'
import { type Act, type Guide, Quit } from './guide.js'
import { type KeyHelp, showKeys } from './key-line.js'
import { Keyboard } from './keys.js'
import type { Exercise, Lesson, Prediction, Suggestion } from './lesson.js'
import { lookAt } from './look.js'
import type { Progress } from './progress.js'
import { showSuggestions } from './stage-auto.js'

const STEPPING: readonly KeyHelp[] = [
  ['enter', 'run'],
  ['e', 'explain'],
  ['l', 'look'],
  ['s', 'shell'],
  ['a', 'run all'],
  ['h', 'help'],
  ['q', 'quit'],
]

const HELP = `
- **Enter** or **space** makes the call that is shown. What it answers, how long it took and what changed in the kernel comes below it.
- **e** explains the call: what it does, each of its flags, what each error would mean here, and the command that does the same.
- **l** looks at the box as the kernel shows it now.
- **s** opens a shell inside, beside the process. Break what you like: it is gone with the scene.
- **a** runs the rest of this scene without asking.
- **q** quits. Everything is undone, and you go on at this scene next time. Ctrl-C does the same.

Before a scene begins, **n** goes on to the next one, and **x** straight to what there is for you to do at its end.

*host* is the shim, a small process that makes the calls outside; *container* is the child that it clones.
`

export class InteractiveGuide implements Guide {
  readonly auto = false
  readonly #display: Display
  readonly #progress: Progress
  readonly #keyboard = new Keyboard()
  #runAll = false

  constructor(display: Display, progress: Progress) {
    this.#display = display
    this.#progress = progress
  }

  scene(): void {
    // From here on what is typed too early is dropped and not shown.
    this.#keyboard.open()
    this.#runAll = false
  }

  async read({ plays, exercises }: { plays: boolean; exercises: number }): Promise<'go on' | 'skip' | 'exercises'> {
    const shortcut: KeyHelp[] = exercises > 0 ? [['x', exercises > 1 ? 'exercises' : 'exercise']] : []
    for (;;) {
      const key = await this.#key(
        plays
          ? [['enter', 'begin'], ...shortcut, ['n', 'next scene'], ['h', 'help'], ['q', 'quit']]
          : [
              ['enter', 'go on'],
              ['q', 'quit'],
            ],
      )
      if (key === 'enter' || key === 'space') return 'go on'
      if (key === 'n' && plays) return 'skip'
      if (key === 'x' && shortcut.length > 0) return 'exercises'
      if (key === 'h') await this.#help()
    }
  }

  async before(box: StageBox, act: Act): Promise<void> {
    while (!this.#runAll) {
      const key = await this.#key(STEPPING)
      if (key === 'enter' || key === 'space') break
      if (key === 'a') this.#runAll = true
      if (key === 'e') this.#explain(act, box.made)
      if (key === 'l') await this.#look(box)
      if (key === 's') await this.#shell(box)
      if (key === 'h') await this.#help()
    }
  }

  async predict(question: Prediction): Promise<number | undefined> {
    const choices = question.choices.map((name, value) => ({ name, value }))
    return this.#keyboard.away(() => choose(this.#display, 'What do you think?', choices))
  }

  async shell(box: StageBox, suggestions: readonly Suggestion[]): Promise<void> {
    this.#display.line()
    this.#display.text('A shell inside is yours now. Worth typing there:')
    showSuggestions(this.#display, suggestions)
    for (;;) {
      const key = await this.#key([
        ['enter', 'open the shell'],
        ['n', 'go on without'],
        ['l', 'look'],
        ['q', 'quit'],
      ])
      if (key === 'n') return
      if (key === 'l') await this.#look(box)
      if (key === 'enter' || key === 's') break
    }
    await this.#shell(box)
  }

  async exercise(lesson: Lesson, exercise: Exercise, tried: (verdict: Verdict) => void): Promise<void> {
    const { ExerciseSession } = await import('./session.js')
    const parts = { lesson, exercise, display: this.#display, keyboard: this.#keyboard, progress: this.#progress, tried }
    await new ExerciseSession(parts).run()
  }

  async stumbled(): Promise<'again' | 'go on'> {
    for (;;) {
      const key = await this.#key([
        ['r', 'try the scene again'],
        ['enter', 'go on with the next'],
        ['q', 'quit'],
      ])
      if (key === 'r') return 'again'
      if (key === 'enter') return 'go on'
    }
  }

  leave(): void {
    this.#keyboard.close()
  }

  async #key(keys: readonly KeyHelp[]): Promise<string> {
    const erase = showKeys(this.#display, keys)
    const key = await this.#keyboard.next().finally(erase)
    if (key === 'q' || key === 'ctrl-d') throw new Quit()
    return key
  }

  #explain({ title, steps }: Act, earlier: readonly Step[]): void {
    const [only] = steps
    if (title === undefined && only) return showExplanation(this.#display, only, earlier)
    this.#display.line()
    this.#display.text(`${title}: these calls, one after the other.`)
    for (const [index, step] of steps.entries()) {
      this.#display.spans([{ text: showStep(step), style: this.#display.style.call }], `${String(index + 1).padStart(3)}. `, '     ')
      if (step.why) this.#display.text(step.why, '     ', this.#display.style.dim)
    }
  }

  async #look(box: StageBox): Promise<void> {
    const { title, rows } = await lookAt(box)
    this.#display.line()
    this.#display.text(title, '', this.#display.style.strong)
    this.#display.rows(rows)
  }

  async #shell(box: StageBox): Promise<void> {
    const { openShell } = await import('./shell.js')
    await openShell(box, this.#display, this.#keyboard)
  }

  async #help(): Promise<void> {
    this.#display.line()
    await this.#display.markdown(HELP)
  }
}
