/** The lessons with how far one is, and the menu to open one. */
import { type Choice, choose } from './ask.js'
import type { Display } from './display.js'
import { Quit } from './guide.js'
import type { LessonEntry } from './lessons.js'
import type { LessonProgress, Progress } from './progress.js'

/** `3 of 8 scenes, 1 of 3 exercises passed` */
export function progressInWords({ scenes, exercises, of }: LessonProgress): string {
  if (!of) return 'not begun'
  const parts = [scenes.length >= of.scenes ? `all ${of.scenes} scenes` : `${scenes.length} of ${of.scenes} scenes`]
  if (of.exercises > 0) parts.push(`${exercises.length} of ${of.exercises} exercises passed`)
  return parts.join(', ')
}

export function showLessons(display: Display, entries: readonly LessonEntry[], progress: Progress): void {
  display.text('Lessons', '', display.style.title)
  display.line()
  display.rows(
    entries.map(({ number, name, title }) => ({
      label: `${number} ${name}`,
      value: `${title}\n(${progressInWords(progress.lesson(name))})`,
    })),
    '',
  )
}

/** Ask which one to open. */
export async function chooseLesson(display: Display, entries: readonly LessonEntry[], progress: Progress): Promise<LessonEntry> {
  const begun = entries.find(({ name }) => progress.lesson(name).current !== undefined)
  const choices: Choice<LessonEntry | undefined>[] = entries.map((entry) => ({
    name: `${entry.number} ${entry.title} (${progressInWords(progress.lesson(entry.name))})`,
    value: entry,
  }))
  const chosen = await choose(display, 'Which lesson?', [...choices, { name: 'leave', value: undefined }], begun)
  if (!chosen) throw new Quit()
  return chosen
}
