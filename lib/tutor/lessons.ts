/** The lessons there are: folders `lessons/NN-name`, found by number, by name, or by the beginning of a name. */
import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DrydockError } from '../kernel/errors.js'
import type { Lesson } from './lesson.js'

/** A lesson as the list knows it, without loading it. */
export interface LessonEntry {
  readonly number: number
  readonly name: string
  /** `01-namespaces` */
  readonly folder: string
  readonly directory: URL
  /** The `#` heading of its README.md. */
  readonly title: string
}

/** Where the lessons are; $DRYDOCK_LESSONS for people who write their own. */
export function lessonsDirectory(): URL {
  const { DRYDOCK_LESSONS } = process.env
  return DRYDOCK_LESSONS ? pathToFileURL(`${DRYDOCK_LESSONS.replace(/\/$/, '')}/`) : new URL('../../lessons/', import.meta.url)
}

export function findLessons(directory: URL = lessonsDirectory()): LessonEntry[] {
  const entries: LessonEntry[] = []
  for (const folder of listed(directory)) {
    const [, digits, name] = /^(\d+)-(.+)$/.exec(folder) ?? []
    if (digits === undefined || name === undefined) continue
    const place = new URL(`${folder}/`, directory)
    const title = titleOf(place)
    if (title !== undefined) entries.push({ number: Number(digits), name, folder, directory: place, title })
  }
  return entries.sort((a, b) => a.number - b.number)
}

function listed(directory: URL): string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    throw new DrydockError(`the lessons' folder ${directory.pathname} cannot be read`, { cause })
  }
}

function titleOf(directory: URL): string | undefined {
  try {
    const heading = /^# +(.+)$/m.exec(readFileSync(new URL('README.md', directory), 'utf8'))
    return heading?.[1]?.trim() ?? ''
  } catch {
    return undefined
  }
}

/** The lesson that was asked for: `3`, `03`, `capabilities`, `cap`, `03-capabilities`. */
export function pickLesson(entries: readonly LessonEntry[], wanted: string): LessonEntry {
  const asked = wanted.toLowerCase()
  const exact = entries.find(
    ({ number, name, folder }) => (/^\d+$/.test(asked) && Number(asked) === number) || name === asked || folder === asked,
  )
  if (exact) return exact
  const begun = asked === '' ? [] : entries.filter(({ name, folder }) => name.startsWith(asked) || folder.startsWith(asked))
  const [only] = begun
  if (only && begun.length === 1) return only
  const names = (list: readonly LessonEntry[]) => list.map(({ number, name }) => `${number} ${name}`).join(', ')
  if (begun.length > 1) throw new DrydockError(`'${wanted}' may mean several lessons: ${names(begun)}`)
  throw new DrydockError(`there is no lesson '${wanted}'; there are: ${names(entries) || 'none'}`)
}

/** Load a lesson's scenes and exercises. */
export async function loadLesson(entry: LessonEntry): Promise<Lesson> {
  const place = new URL('lesson.ts', entry.directory)
  const loaded = (await import(place.href)) as { default?: Lesson; lesson?: Lesson }
  const found = loaded.default ?? loaded.lesson
  if (!found) throw new DrydockError(`${place.pathname} does not export its lesson as default`)
  return found
}
