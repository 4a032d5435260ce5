/** Opens a lesson: what it needs, where one left it, who leads through it, and what happens when one is interrupted. */
import type { TutorArguments } from './arguments.js'
import { Audience } from './audience.js'
import type { Display } from './display.js'
import { type Guide, Quit } from './guide.js'
import type { Lesson } from './lesson.js'
import { type LessonEntry, loadLesson } from './lessons.js'
import { type Missing, missing, needsOf } from './needs.js'
import { Player, type PlayerParts } from './player.js'
import type { Progress } from './progress.js'
import { readLessonText } from './text.js'

export interface OpenParts {
  readonly entry: LessonEntry
  readonly options: TutorArguments
  readonly display: Display
  readonly progress: Progress
  readonly auto: boolean
}

export async function openLesson({ entry, options, display, progress, auto }: OpenParts): Promise<number> {
  const [lesson, text] = await Promise.all([loadLesson(entry), readLessonText(entry.directory)])
  if (options.reset) await (await import('./reset.js')).resetLesson(lesson, progress, display, options.yes || auto)
  const first = auto ? 0 : resumeAt(lesson, progress)
  display.rule(`Lesson ${lesson.number}: ${text.title}`, 'title')
  if (auto && !options.auto) display.note('There is no terminal to ask questions on, so the lesson plays by itself (--auto).')
  display.line()
  if (first === 0) await display.markdown(text.intro)
  else display.text(`${whyThere(lesson, progress)}: scene ${first + 1} of ${lesson.scenes.length}. --reset starts over.`)
  const lacking = await missing(needsOf(lesson).somewhere)
  if (lacking.length > 0) {
    const status = await tellLacking(lacking, display, auto)
    if (status !== undefined) return status
  }
  const audience = await Audience.gather({ lesson, title: text.title, options, display, progress, auto })
  if (first === 0) audience.witness.tell(() => ({ kind: 'said', markdown: text.intro }))
  const guide = await guideFor(auto, display, progress)
  const player = new Player({ lesson, text, display, guide, progress, lacking, witness: audience.witness })
  return audience.until(() => interruptible(player, () => play(player, first, { lesson, display, guide })))
}

async function play(
  player: Player,
  first: number,
  { lesson, display, guide }: Pick<PlayerParts, 'lesson' | 'display' | 'guide'>,
): Promise<number> {
  try {
    return await player.play(first)
  } catch (error) {
    if (!(error instanceof Quit)) throw error
    display.line()
    display.text(`Everything is undone, and where you are is kept. Go on with: npm run lesson ${lesson.number}`)
    return error.status
  } finally {
    guide.leave()
  }
}

/** The scene that was left; of a lesson that was read to its end the first with an exercise that is not passed. */
function resumeAt(lesson: Lesson, progress: Progress): number {
  const { current, exercises: passed } = progress.lesson(lesson.name)
  const index = lesson.scenes.findIndex(({ heading, exercises = [] }) =>
    wasRead(lesson, progress) ? exercises.some((id) => !passed.includes(id)) : heading === current,
  )
  return Math.max(0, index)
}

function wasRead(lesson: Lesson, progress: Progress): boolean {
  const { current, scenes } = progress.lesson(lesson.name)
  return current === undefined && scenes.length > 0
}

const whyThere = (lesson: Lesson, progress: Progress): string =>
  wasRead(lesson, progress) ? 'You go on where the first exercise is still open' : 'You go on where you left it'

async function guideFor(auto: boolean, display: Display, progress: Progress): Promise<Guide> {
  if (auto) return new (await import('./stage-auto.js')).AutoGuide(display)
  return new (await import('./stage-interactive.js')).InteractiveGuide(display, progress)
}

/** Says precisely what is missing; with a person there it offers sudo. A status ends the program. */
async function tellLacking(lacking: readonly Missing[], display: Display, auto: boolean): Promise<number | undefined> {
  display.line()
  display.bad('This machine, or this user, lacks something that parts of this lesson use:', 'note')
  // Several needs may lack the same thing, which is told once; neighbours with one remedy share it.
  const told = lacking.filter(({ why }, index) => lacking.findIndex((one) => one.why === why) === index)
  for (const [index, { why, remedy }] of told.entries()) {
    display.item(`${why}.`)
    if (told[index + 1]?.remedy !== remedy) display.text(`What helps: ${remedy}.`, '    ')
  }
  if (!auto && process.geteuid?.() !== 0 && lacking.some(({ root }) => root)) {
    const { offerSudo } = await import('./sudo.js')
    return offerSudo(display)
  }
  return undefined
}

/** A signal ends what is on the stage, and then the program, with the status that shells give for it. */
async function interruptible(player: Player, play: () => Promise<number>): Promise<number> {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const interrupted = new Promise<number>((resolve) => {
    for (const [name, status] of Object.entries(signals)) {
      process.once(name, () => {
        void player.abandon().finally(() => resolve(status))
      })
    }
  })
  return Promise.race([play(), interrupted])
}
