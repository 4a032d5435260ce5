/** Who is told what happens in a lesson besides the person in front of it: a record, and an instructor whose room was joined. */
import { isToBeRecorded, Recorder, type Witness, witnesses } from '../trace/index.js'
import type { TutorArguments } from './arguments.js'
import type { Display } from './display.js'
import type { Lesson } from './lesson.js'
import type { Progress } from './progress.js'
import type { Reporter } from './room/reporter.js'

export interface AudienceParts {
  readonly lesson: Lesson
  /** As its text has it. */
  readonly title: string
  readonly options: TutorArguments
  readonly display: Display
  readonly progress: Progress
  readonly auto: boolean
}

export class Audience {
  readonly witness: Witness
  readonly #recorder: Recorder | undefined
  readonly #reporter: Reporter | undefined

  private constructor(recorder: Recorder | undefined, reporter: Reporter | undefined) {
    this.#recorder = recorder
    this.#reporter = reporter
    this.witness = witnesses(...[recorder, reporter].filter((one) => one !== undefined))
  }

  static async gather(parts: AudienceParts): Promise<Audience> {
    const reporter = parts.options.join === undefined ? undefined : await (await import('./room/join.js')).joinRoom(parts)
    return new Audience(await recorderOf(parts), reporter)
  }

  /** Until the lesson has ended, in whatever way. */
  async until(play: () => Promise<number>): Promise<number> {
    let status = 1
    try {
      status = await play()
      return status
    } finally {
      await Promise.all([this.#recorder?.end(status), this.#reporter?.leave()])
    }
  }
}

async function recorderOf({ lesson, title, options, display, auto }: AudienceParts): Promise<Recorder | undefined> {
  const { record } = options
  if (!(await isToBeRecorded({ auto, asked: record !== false }))) return undefined
  const { number, name, scenes } = lesson
  const about = { number, name, scenes: scenes.map(({ heading }) => heading) }
  const begins = { session: 'lesson', title: `Lesson ${number}: ${title}`, auto, lesson: about } as const
  return new Recorder(begins, { ...(typeof record === 'string' && { file: record }), complain: (sentence) => display.note(sentence) })
}
