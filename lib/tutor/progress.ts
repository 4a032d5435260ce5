/** What a person has seen and passed: one small JSON file, so that quitting costs nothing. */
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { replaceFile } from '../kernel/new-file.js'
import { giveToInvoker, stateDirectory } from '../kernel/places.js'

export interface LessonProgress {
  /** Headings of the scenes that were played to their end. */
  readonly scenes: readonly string[]
  /** Ids of the exercises passed. A passed one stays passed. */
  readonly exercises: readonly string[]
  /** Heading of the scene where one left; absent before the first and after the last. */
  readonly current?: string | undefined
  /** How many there are, for the list, which does not load lessons. */
  readonly of?: { readonly scenes: number; readonly exercises: number } | undefined
}

interface ProgressFile {
  readonly version: 1
  readonly lessons: Record<string, LessonProgress>
}

const NOTHING: LessonProgress = { scenes: [], exercises: [] }

export class Progress {
  readonly path: string
  readonly #complain: (sentence: string) => void
  /** What could not be written: it is known for as long as this program runs. */
  #unsaved: ProgressFile | undefined

  /**
   * `complain` hears one sentence when the file is damaged, which is then kept aside and a new one begun; and one when it cannot be written (a full disk, or one
   * that is read-only): the lesson goes on without.
   */
  constructor(complain: (sentence: string) => void = () => {}, directory: string = stateDirectory()) {
    this.path = join(directory, 'progress.json')
    this.#complain = complain
  }

  lesson(name: string): LessonProgress {
    return this.#read().lessons[name] ?? NOTHING
  }

  /** A scene was opened: the next start of the lesson resumes there. */
  enter(name: string, heading: string, of: LessonProgress['of']): void {
    this.#change(name, (before) => ({ ...before, current: heading, of }))
  }

  /** A scene was played to its end; `next` is where to resume. */
  seen(name: string, heading: string, next: string | undefined): void {
    this.#change(name, (before) => ({ ...before, scenes: withOne(before.scenes, heading), current: next }))
  }

  passed(name: string, exercise: string): void {
    this.#change(name, (before) => ({ ...before, exercises: withOne(before.exercises, exercise) }))
  }

  /** Forget a lesson. */
  reset(name: string): void {
    this.#change(name, () => undefined)
  }

  /**
   * Read, change, replace, without a pause between: a second tutor at the same time loses nothing of its own. The new file is
   * complete before it takes the old one's name, so that a crash leaves one or the other.
   */
  #change(name: string, change: (before: LessonProgress) => LessonProgress | undefined): void {
    const { lessons } = this.#read()
    const { [name]: before = NOTHING, ...others } = lessons
    const after = change(before)
    const file: ProgressFile = { version: 1, lessons: after ? { ...others, [name]: after } : others }
    try {
      this.#write(file)
      this.#unsaved = undefined
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!this.#unsaved) {
        this.#complain(
          `Your progress cannot be saved in ${this.path} (${code ?? message}): it is known until you leave, and it is tried again with each change.`,
        )
      }
      this.#unsaved = file
    }
  }

  #write(file: ProgressFile): void {
    const temporary = `${this.path}.${process.pid}`
    replaceFile(this.path, `${JSON.stringify(file, null, 2)}\n`, {
      temporary,
      flag: 'w',
      sync: false,
      ready: () => giveToInvoker(temporary),
    })
  }

  #read(): ProgressFile {
    if (this.#unsaved) return this.#unsaved
    let content: string
    try {
      content = readFileSync(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, lessons: {} }
      throw new DrydockError(`your progress in ${this.path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
    const file = parse(content)
    if (file) return file
    const aside = `${this.path}.damaged-${Date.now()}`
    try {
      renameSync(this.path, aside)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new DrydockError(`your progress in ${this.path} is damaged, and cannot be put aside (${code}): move it away, or remove it`, {
        cause,
      })
    }
    this.#complain(`Your progress file was damaged. It is kept as ${aside}, and a new one is begun.`)
    return { version: 1, lessons: {} }
  }
}

function withOne(list: readonly string[], one: string): readonly string[] {
  return list.includes(one) ? list : [...list, one]
}

const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === 'string')

/** The file's content when every part of it has the right shape. */
function parse(content: string): ProgressFile | undefined {
  let file: unknown
  try {
    file = JSON.parse(content)
  } catch {
    return undefined
  }
  if (typeof file !== 'object' || file === null) return undefined
  const { version, lessons } = file as Partial<ProgressFile>
  if (version !== 1 || typeof lessons !== 'object' || lessons === null) return undefined
  for (const entry of Object.values(lessons) as unknown[]) {
    if (typeof entry !== 'object' || entry === null) return undefined
    const { scenes, exercises, current } = entry as Partial<LessonProgress>
    if (!isStrings(scenes) || !isStrings(exercises) || !(current === undefined || typeof current === 'string')) return undefined
  }
  return { version, lessons }
}
