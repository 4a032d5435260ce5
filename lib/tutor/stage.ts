/** The stage of one scene: its ground, the boxes that stand on it, and what is said, asked and shown between their steps. */
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'
import { unwitnessed, type Witness } from '../trace/witness.js'
import { StageBox, type Turns } from './box.js'
import type { Display } from './display.js'
import type { Ground } from './ground.js'
import type { Guide } from './guide.js'
import type { Box, Lesson, Look, Prediction, Scene, Stage, Suggestion } from './lesson.js'

export interface StageSurroundings {
  readonly ground: Ground
  readonly lesson: Lesson
  readonly display: Display
  readonly guide: Guide
  readonly witness?: Witness
  /** What is played. */
  readonly scene: Scene
}

export class LessonStage implements Stage {
  readonly ground: Ground
  readonly #lesson: Lesson
  readonly #display: Display
  readonly #guide: Guide
  readonly #witness: Witness
  readonly #scene: Scene
  readonly #boxes: StageBox[] = []
  readonly #turns: Turns = { boxes: 0, last: undefined }

  constructor({ ground, lesson, scene, display, guide, witness = unwitnessed }: StageSurroundings) {
    this.ground = ground
    this.#lesson = lesson
    this.#scene = scene
    this.#display = display
    this.#guide = guide
    this.#witness = witness
  }

  get bottle(): Bottle {
    return this.ground.bottle
  }

  get auto(): boolean {
    return this.#guide.auto
  }

  async say(markdown: string): Promise<void> {
    this.#display.line()
    await this.#display.markdown(markdown)
    this.#witness.tell(() => ({ kind: 'said', markdown }))
  }

  async predict(question: Prediction): Promise<void> {
    const { style } = this.#display
    this.#display.line()
    this.#display.text('Predict', '', style.heading)
    await this.#display.markdown(question.question)
    const chosen = await this.#guide.predict(question)
    const said = chosen === undefined ? undefined : question.choices[chosen]
    const measured = await question.measure()
    if (!question.choices.includes(measured)) {
      throw new DrydockError(`what was measured, "${measured}", is none of the answers to "${question.question}": the lesson is wrong here`)
    }
    this.#display.line()
    if (said !== undefined) this.#display.rows([{ label: 'you said', value: said }])
    this.#display.rows([
      { label: 'measured', value: said === undefined || said === measured ? measured : `${measured} (not what you said)`, notice: true },
    ])
    this.#display.line()
    await this.#display.markdown(question.because)
    const { choices, because } = question
    this.#witness.tell(() => ({
      kind: 'predicted',
      question: question.question,
      choices,
      ...(said !== undefined && { said }),
      measured,
      because,
    }))
    await this.#picture()
  }

  async box(
    name = `box ${this.#boxes.length + 1}`,
    { on = this.bottle, ownMonitor = false }: { on?: Bottle; ownMonitor?: boolean } = {},
  ): Promise<Box> {
    const [witness, beside] = [this.#witness, () => this.#focus()]
    const surroundings = { place: on, display: this.#display, guide: this.#guide, turns: this.#turns, ownMonitor, witness, beside }
    const box = new StageBox(name, await on.shim(), surroundings)
    this.#boxes.push(box)
    this.#turns.boxes += 1
    return box
  }

  async look(title: string, read: () => Promise<Look> | Look): Promise<void> {
    const rows = await read()
    this.#display.line()
    this.#display.text(title, '', this.#display.style.strong)
    this.#display.rows(rows)
    this.#witness.tell(() => ({ kind: 'looked', title, rows }))
    await this.#picture()
  }

  async shell(box: Box, suggest: readonly Suggestion[]): Promise<void> {
    await this.#guide.shell(box as StageBox, suggest)
  }

  async exercise(id: string): Promise<void> {
    const exercise = this.#lesson.exercises.find((one) => one.id === id)
    if (!exercise) throw new DrydockError(`lesson ${this.#lesson.number} has no exercise '${id}'`)
    if (!this.#scene.exercises?.includes(id))
      throw new DrydockError(`the scene “${this.#scene.heading}” does not say that it has the exercise '${id}'`)
    await this.#guide.exercise(this.#lesson, exercise, ({ passed, saw }) => {
      this.#witness.tell(() => ({ kind: 'tried', exercise: id, title: exercise.title, passed, saw }))
    })
  }

  #picture(): Promise<void> {
    return this.#witness.picture(() => this.#focus())
  }

  /** All that stands here: the first processes of the bottles, and with them whatever runs inside. */
  #focus(): number[] {
    const bottles = new Set([this.ground.bottle.pid, ...this.#boxes.map(({ place }) => place.pid)])
    return [...bottles, ...this.#boxes.flatMap(({ focus }) => focus)]
  }

  /** The scene is over: everything in it ends and is undone. */
  async close(): Promise<void> {
    await Promise.all(this.#boxes.map((box) => box.close()))
    await this.ground.close()
  }
}
