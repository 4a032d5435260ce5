/**
 * Tells an instructor where a learner is. It hears what a record hears, takes from it the scene and the exercises, and sends the whole report anew after each
 * change: at most one a second, and one now and then, so that the instructor sees who is still there. The lesson never waits for it.
 */
import { patience } from '../../kernel/patience.js'
import { printable } from '../../kernel/printable.js'
import { randomBytes } from '../../kernel/random.js'
import type { ExerciseReport, LearnerReport } from '../../trace/report.js'
import type { Happening } from '../../trace/types.js'
import type { Witness } from '../../trace/witness.js'
import { postReport, type Reception } from './post.js'

export interface ReporterParts {
  readonly origin: string
  readonly report: LearnerReport
  /** Hears one sentence, at a moment at which it disturbs nothing. */
  readonly say: (sentence: string) => void
  readonly pace?: Pace
}

/** Milliseconds. */
export interface Pace {
  /** Between two reports, when something changes. */
  readonly change: number
  /** When nothing does. */
  readonly heartbeat: number
  /** Before the next try, when one has failed. */
  readonly retry: number
  /** For one report. */
  readonly answer: number
  /** For the last one, which the end of the program waits for. */
  readonly farewell: number
}

export const PACE: Pace = { change: 1000, heartbeat: 20_000, retry: 5000, answer: patience(3000), farewell: patience(1000) }

/** Characters of what a check saw. */
const SAW = 200

/** A report as it is when one joins. */
export function firstReport(about: Pick<LearnerReport, 'name' | 'room' | 'lesson' | 'exercises'>): LearnerReport {
  return { version: 1, id: randomBytes(16).toString('hex'), scene: null, left: false, ...about }
}

export class Reporter implements Witness {
  readonly #parts: ReporterParts
  readonly #pace: Pace
  #report: LearnerReport
  /** Scenes of the lesson. */
  readonly #scenes: number
  /** Is there something that the instructor does not know yet? */
  #changed = false
  /** The report that is on its way. */
  #sending: Promise<Reception> | undefined
  /** performance.now() of the last report that was sent. */
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  #failing = false
  /** The learner was told that it fails. */
  #told = false
  #over = false
  readonly #news: string[] = []

  constructor(parts: ReporterParts, scenes: number) {
    this.#parts = parts
    this.#pace = parts.pace ?? PACE
    this.#report = parts.report
    this.#scenes = scenes
  }

  /** The first report. From then on more are sent, unless the word was wrong. The answer is for the caller to tell. */
  async join(): Promise<Reception> {
    const reception = await this.#send()
    this.#told = reception.outcome === 'missed'
    if (reception.outcome !== 'refused') this.#next()
    return reception
  }

  tell(happening: () => Happening): void {
    for (const sentence of this.#news.splice(0)) this.#parts.say(sentence)
    const what = happening()
    if (what.kind === 'scene') {
      const { index, heading } = what
      this.#change({ scene: { index, of: this.#scenes, heading } })
    } else if (what.kind === 'tried') {
      this.#change({ exercises: this.#report.exercises.map((one) => (one.id === what.exercise ? afterTry(one, what) : one)) })
    }
  }

  async picture(): Promise<void> {}

  async rest(): Promise<void> {}

  /** The learner leaves; says so, if somebody listens. */
  async leave(): Promise<void> {
    const silent = this.#over || this.#failing
    this.#over = true
    clearTimeout(this.#timer)
    if (silent) return
    // One that is still on its way must not arrive behind the last. Its time is short, and it counts for this one's.
    const ends = performance.now() + this.#pace.farewell
    await Promise.race([this.#sending, new Promise((resolve) => setTimeout(resolve, this.#pace.farewell).unref())])
    const left = ends - performance.now()
    if (this.#failing || left <= 0) return
    this.#report = { ...this.#report, left: true }
    await postReport(this.#parts.origin, this.#report, Math.ceil(left))
  }

  #change(changes: Partial<LearnerReport>): void {
    this.#report = { ...this.#report, ...changes }
    this.#changed = true
    // While one is on its way the next is planned when it has arrived.
    if (!this.#sending) this.#next()
  }

  #next(): void {
    clearTimeout(this.#timer)
    if (this.#over) return
    const { change, heartbeat, retry } = this.#pace
    const after = this.#failing ? retry : this.#changed ? change : heartbeat
    this.#timer = setTimeout(() => void this.#turn(), Math.max(0, after - (performance.now() - this.#sent)))
    // Nobody stays for a report.
    this.#timer.unref()
  }

  async #turn(): Promise<void> {
    this.#sending = this.#send()
    const reception = await this.#sending
    this.#sending = undefined
    if (reception.outcome === 'refused') {
      this.#over = true
      this.#news.push('The room’s word is another one now, and nothing more is sent. Start the lesson again to join with that one.')
    }
    if (reception.outcome === 'missed' && !this.#told) {
      this.#told = true
      this.#news.push(missedSentence(this.#parts.origin, reception.why))
    }
    this.#next()
  }

  async #send(): Promise<Reception> {
    this.#changed = false
    this.#sent = performance.now()
    const reception = await postReport(this.#parts.origin, this.#report, this.#pace.answer)
    this.#failing = reception.outcome === 'missed'
    if (this.#failing) this.#changed = true
    return reception
  }
}

export const missedSentence = (origin: string, why: string): string =>
  `${origin} is not reached (${why}). The lesson goes on without it; it is tried again now and then, and nothing more is said of it.`

/** What was passed stays passed. */
function afterTry(
  { id, title, state, tries }: ExerciseReport,
  { passed, saw }: { readonly passed: boolean; readonly saw: readonly string[] },
): ExerciseReport {
  const about = { id, title, tries: tries + 1 }
  if (passed || state === 'passed') return { ...about, state: 'passed' }
  return { ...about, state: 'stuck', saw: [...printable(saw.join(' '))].slice(0, SAW).join('') }
}
