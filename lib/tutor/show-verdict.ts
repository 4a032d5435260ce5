/** An exercise and what came of a try at it, on the screen. */
import type { Verdict } from './checker.js'
import type { Display } from './display.js'
import type { Exercise } from './lesson.js'
import { printable } from './show-act.js'

/** Of what a learner's program printed, so many lines are shown. */
const MOST_LINES = 12

/** Characters of a value that was given. */
const ENOUGH = 240

export async function showExercise(display: Display, exercise: Exercise): Promise<void> {
  display.line()
  display.text(`Exercise: ${exercise.title}`, '', display.style.heading)
  await display.markdown(exercise.goal)
}

export function showVerdict(display: Display, { passed, saw, because, printed, challenge, looks }: Verdict): void {
  display.line()
  showPrinted(display, printed)
  const given = Object.entries(challenge).map(([name, value]) => `${name} ${brief(JSON.stringify(value))}`)
  if (given.length > 0) display.note(`This time: ${given.join(', ')}.`)
  if (passed) {
    display.good(`passed: ${looks} ${looks === 1 ? 'thing was' : 'things were'} looked at in the kernel, and all are as asked.`)
    return
  }
  display.bad('this is what was seen:', 'not yet:')
  for (const line of saw) display.item(line)
  for (const line of because) display.text(line, '    ')
}

/** A whole file among what was given is not for reading here. */
const brief = (text: string) => (text.length > ENOUGH ? `${text.slice(0, ENOUGH)} …` : text)

function showPrinted(display: Display, printed: string): void {
  const lines = printed.replace(/\n+$/, '').split('\n')
  if (printed.trim() === '') return
  display.note('Your program printed (which counts for nothing):')
  for (const line of lines.slice(0, MOST_LINES))
    display.line(`  ${display.style.quote('|')} ${printable(line).slice(0, display.width - 5)}`)
  if (lines.length > MOST_LINES) display.note(`  … and ${lines.length - MOST_LINES} lines more`)
}
