/** Starting a lesson over. */
import type { Display } from './display.js'
import { Quit } from './guide.js'
import type { Lesson } from './lesson.js'
import type { Progress } from './progress.js'
import { restoreExercise, shownPath } from './workspace.js'

/** Forgets the progress and hands out a fresh exercise file; the old one is kept. Asks first, unless `sure`. */
export async function resetLesson(lesson: Lesson, progress: Progress, display: Display, sure: boolean): Promise<void> {
  if (!sure) {
    const { confirm } = await import('./ask.js')
    const agreed = await confirm(
      display,
      `Start lesson ${lesson.number} over? Its progress is forgotten; your exercise file is kept as .bak.`,
    )
    if (!agreed) throw new Quit()
  }
  progress.reset(lesson.name)
  if (lesson.exercises.length === 0) return
  const { path, kept } = restoreExercise(lesson)
  if (kept) display.text(`Your old file is kept as ${shownPath(kept)}; ${shownPath(path)} is as it was handed out.`)
}
