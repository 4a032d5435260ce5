/** `npm run lesson`: the list, or a lesson from where one left it. */
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { parseArguments, type TutorArguments } from './arguments.js'
import { Display } from './display.js'
import { Quit } from './guide.js'
import { findLessons, type LessonEntry, pickLesson } from './lessons.js'
import { Progress } from './progress.js'

/** Exit status: 0, 1 when something failed, 130 after Ctrl-C. */
export async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv)
  if ('status' in parsed) return parsed.status
  const display = new Display({ plain: parsed.plain })
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return await run(parsed, display)
  } catch (error) {
    if (error instanceof Quit) return error.status
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return 1
  }
}

async function run(options: TutorArguments, display: Display): Promise<number> {
  const entries = findLessons()
  const progress = new Progress((sentence) => display.note(sentence))
  const atTerminal = display.isTerminal && process.stdin.isTTY === true
  const asked = options.lesson === undefined ? undefined : pickLesson(entries, options.lesson)
  if (options.list || (!asked && !atTerminal)) {
    showList(display, entries, progress, await import('./list.js'))
    return 0
  }
  const entry = asked ?? (await (await import('./list.js')).chooseLesson(display, entries, progress))
  const { openLesson } = await import('./open.js')
  return openLesson({ entry, options, display, progress, auto: options.auto || !atTerminal })
}

function showList(
  display: Display,
  entries: readonly LessonEntry[],
  progress: Progress,
  { showLessons }: typeof import('./list.js'),
): void {
  showLessons(display, entries, progress)
  display.line()
  display.text('Open one with: npm run lesson NUMBER')
}
