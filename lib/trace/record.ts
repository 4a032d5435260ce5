/**
 * A session recorded: what is told goes to a file in the run directory, for the workshop's page and to be played again, and to a second one when somebody
 * names it. A record must never be in the way of what it records: when it cannot be written it ends, with one sentence, and the session goes on.
 */

import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { giveToInvoker } from '../kernel/places.js'
import { deltaBetween } from '../picture/delta.js'
import type { Photographer } from '../picture/take.js'
import type { Picture } from '../picture/types.js'
import { Journal } from './journal.js'
import { removeOlderTraces } from './keep.js'
import { newTraceId, ownTraceDirectory, traceFile } from './places.js'
import type { Happening, SessionBegins } from './types.js'
import type { Witness } from './witness.js'
import { workshopIsOpen } from './workshop.js'

export interface RecordingOptions {
  /** Another file, which must not be there yet, that gets the same. */
  readonly file?: string | undefined
  /** Hears one sentence when nothing more is recorded. */
  readonly complain: (sentence: string) => void
}

/** Milliseconds for which a picture is new enough to be the one before an act. */
const FRESH = 50

/** With a person there always, otherwise when it is asked for or somebody may be watching. */
export async function isToBeRecorded({ auto, asked }: { readonly auto: boolean; readonly asked: boolean }): Promise<boolean> {
  return asked || !auto || workshopIsOpen()
}

export class Recorder implements Witness {
  readonly #complain: (sentence: string) => void
  #journals: Journal[] = []
  #told = false
  #photographer: Photographer | undefined
  #last: { readonly picture: Picture; readonly at: number; readonly focus: string } | undefined

  constructor(begins: Omit<SessionBegins, 'kind' | 'version' | 'pid' | 'uid'>, { file, complain }: RecordingOptions) {
    this.#complain = complain
    if (file !== undefined) this.#journals.push(namedJournal(file))
    try {
      const directory = ownTraceDirectory()
      removeOlderTraces(directory)
      this.#journals.push(new Journal(traceFile(directory.path, newTraceId(begins.session))))
    } catch (error) {
      this.#tellWhy(error)
    }
    this.tell(() => ({ kind: 'session', version: 1, pid: process.pid, uid: process.geteuid?.() ?? 0, ...begins }))
  }

  tell(happening: () => Happening): void {
    if (this.#journals.length === 0) return
    const [what, at] = [happening(), Date.now()]
    this.#journals = this.#journals.filter((journal) => {
      try {
        journal.write(what, at)
        return true
      } catch (error) {
        abandon(journal)
        this.#tellWhy(error)
        return false
      }
    })
  }

  async picture(around: () => readonly number[], { fresh = false }: { readonly fresh?: boolean } = {}): Promise<void> {
    if (this.#journals.length === 0) return
    const focus = [...new Set(around())]
    const words = focus.join()
    const last = this.#last
    if (fresh && last && last.focus === words && performance.now() - last.at < FRESH) return
    try {
      this.#photographer ??= new (await import('../picture/take.js')).Photographer({ scope: 'focus' })
      const picture = await this.#photographer.take({ focus, scope: 'focus' })
      this.tell(() => (last ? { kind: 'changed', delta: deltaBetween(last.picture, picture) } : { kind: 'picture', picture }))
      this.#last = { picture, at: performance.now(), focus: words }
    } catch (error) {
      this.#tellWhy(error)
      this.#close()
    }
  }

  async rest(): Promise<void> {
    const photographer = this.#photographer
    this.#photographer = undefined
    await photographer?.close().catch(() => undefined)
  }

  /** The session is over, with this exit status. */
  async end(status: number): Promise<void> {
    this.tell(() => ({ kind: 'end', status }))
    this.#close()
    await this.rest()
  }

  #tellWhy(error: unknown): void {
    if (this.#told) return
    this.#told = true
    const why = (error as NodeJS.ErrnoException).code ?? sentenceOf(error)
    this.#complain(`This session cannot be recorded (${why}): the workshop’s page will not show it. All else goes on as it would.`)
  }

  #close(): void {
    for (const journal of this.#journals) close(journal)
    this.#journals = []
  }
}

function close(journal: Journal): void {
  try {
    journal.close()
  } catch {
    // What was written is written.
  }
}

function abandon(journal: Journal): void {
  try {
    journal.abandon()
  } catch {
    // It is in the way of nobody but who lists traces.
  }
}

/** The file that somebody has named: that it cannot be made is told before anything begins. */
function namedJournal(path: string): Journal {
  try {
    const journal = new Journal(path)
    giveToInvoker(path)
    return journal
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new DrydockError(`${path} is there already: remove it, or record to another file`, { cause })
    throw new DrydockError(`${path} cannot be made to record to (${code}): name a file in a directory of yours`, { cause })
  }
}
