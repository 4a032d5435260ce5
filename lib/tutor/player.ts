/** From the first scene to the proof that the host is as before. */
import { endHostSpawner } from '../bottle.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { unwitnessed, type Witness } from '../trace/witness.js'
import type { Display } from './display.js'
import { oneBottle } from './ground.js'
import { type Guide, Quit } from './guide.js'
import type { Lesson, Scene, Stage } from './lesson.js'
import { type Missing, needInWords, needsOf } from './needs.js'
import type { Progress } from './progress.js'
import { Proof } from './proof.js'
import { LessonStage } from './stage.js'
import { type LessonText, sectionOf } from './text.js'

export interface PlayerParts {
  readonly lesson: Lesson
  readonly text: LessonText
  readonly display: Display
  readonly guide: Guide
  readonly progress: Progress
  /** What this machine lacks of all that the lesson needs somewhere, already told; such scenes are read and not played. */
  readonly lacking: readonly Missing[]
  readonly witness?: Witness
}

export class Player {
  readonly #parts: PlayerParts
  readonly #name: string
  readonly #witness: Witness
  #stage: LessonStage | undefined
  #failures = 0
  #abandoned = false

  constructor(parts: PlayerParts) {
    this.#parts = parts
    this.#name = parts.lesson.name
    this.#witness = parts.witness ?? unwitnessed
  }

  /** Plays the scenes from `first` on and proves that nothing is left. 0, or 1 when something did not go as it should. */
  async play(first: number): Promise<number> {
    const { lesson, display, guide, progress } = this.#parts
    const proof = Proof.begin()
    await proof.taken
    let leaving: Quit | undefined
    try {
      for (const [index, scene] of lesson.scenes.entries()) {
        if (index < first) continue
        if (!guide.auto) progress.enter(this.#name, scene.heading, { scenes: lesson.scenes.length, exercises: lesson.exercises.length })
        await this.#scene(scene, index)
        if (!guide.auto) progress.seen(this.#name, scene.heading, lesson.scenes[index + 1]?.heading)
      }
    } catch (error) {
      if (!(error instanceof Quit)) throw error
      leaving = error
    } finally {
      await this.leave()
    }
    await endHostSpawner()
    await this.#witness.rest()
    if (!(await proof.show(display))) this.#failures += 1
    if (leaving) throw leaving
    this.#end()
    return this.#failures > 0 ? 1 : 0
  }

  /** End whatever is on the stage: everything inside is killed and undone. */
  async leave(): Promise<void> {
    const stage = this.#stage
    this.#stage = undefined
    await stage?.close()
  }

  /** The same because of a signal: what the scene says of its sudden end is no news. */
  abandon(): Promise<void> {
    this.#abandoned = true
    return this.leave()
  }

  async #scene(scene: Scene, index: number): Promise<void> {
    const { lesson, text, display, guide } = this.#parts
    const section = sectionOf(text, scene.heading)
    guide.scene(scene.heading)
    display.line()
    display.rule(`${index + 1} of ${lesson.scenes.length}: ${scene.heading}`)
    display.line()
    await display.markdown(section.markdown)
    this.#witness.tell(() => ({ kind: 'scene', index, heading: scene.heading, markdown: section.markdown }))
    await this.#witness.picture(() => [])
    const ids = scene.exercises ?? []
    const wanted = await guide.read({ plays: scene.play !== undefined, exercises: ids.length })
    if (wanted === 'skip' || !scene.play) return
    const needs = new Set([...needsOf(lesson).always, ...(scene.needs ?? [])])
    const lacking = this.#parts.lacking.filter(({ need }) => needs.has(need))
    if (lacking.length > 0) return this.#skip(lacking)
    const play = wanted === 'exercises' ? (stage: Stage) => eachOf(ids, stage) : scene.play
    while ((await this.#attempt(scene, play)) === 'again') guide.scene(scene.heading)
  }

  #skip(lacking: readonly Missing[]): void {
    const { display } = this.#parts
    display.line()
    const sentence = `What this scene does needs ${lacking.map(({ need }) => needInWords(need)).join(' and ')}; it is left out.`
    display.bad(sentence, 'skipped')
    this.#witness.tell(() => ({ kind: 'said', markdown: sentence }))
  }

  async #attempt(scene: Scene, play: (stage: Stage) => Promise<void>): Promise<'again' | 'go on'> {
    const { display, guide, lesson } = this.#parts
    try {
      const ground = await (lesson.ground ?? oneBottle)()
      this.#stage = new LessonStage({ ground, lesson, scene, display, guide, witness: this.#witness })
      await play(this.#stage)
      await this.leave()
      return 'go on'
    } catch (error) {
      if (error instanceof Quit) throw error
      if (this.#abandoned) throw new Quit(130)
      await this.leave()
      display.line()
      const sentence = `This scene could not go on: ${sentenceOf(error)}`
      display.bad(sentence, 'error')
      this.#witness.tell(() => ({ kind: 'said', markdown: sentence }))
      // A bug in a lesson or in the tutor is for who mends it; a refusal of the machine was told in a sentence.
      if (!(error instanceof DrydockError) && error instanceof Error) display.note(error.stack ?? '')
      const next = await guide.stumbled(scene.heading)
      if (next === 'go on') this.#failures += 1
      return next
    }
  }

  #end(): void {
    const { lesson, display, progress } = this.#parts
    const passed = new Set(progress.lesson(this.#name).exercises)
    const open = lesson.exercises.filter(({ id }) => !passed.has(id))
    display.line()
    if (lesson.exercises.length > 0 && !this.#parts.guide.auto) {
      display.text(
        open.length === 0
          ? 'All exercises of this lesson are passed.'
          : `Exercises still open: ${open.map(({ title }) => title).join(', ')}. Open the lesson again to go on at the first of them.`,
      )
    }
    display.good(`the end of lesson ${lesson.number}, ${lesson.title}`)
  }
}

async function eachOf(exercises: readonly string[], stage: Stage): Promise<void> {
  for (const id of exercises) await stage.exercise(id)
}
