/** Joining an instructor's room: who one is there, what would be sent, and whether one wants to. */
import { userInfo } from 'node:os'
import { DrydockError } from '../../kernel/errors.js'
import { printable } from '../../kernel/printable.js'
import type { ExerciseReport, LearnerReport } from '../../trace/report.js'
import { ask, confirm } from '../ask.js'
import type { AudienceParts } from '../audience.js'
import type { Display } from '../display.js'
import { type Invitation, parseInvitation } from './invitation.js'
import { firstReport, missedSentence, PACE, Reporter } from './reporter.js'

/** Characters. */
const LONGEST_NAME = 40

/** One who reports; undefined when the learner would rather not. */
export async function joinRoom(parts: AudienceParts): Promise<Reporter | undefined> {
  const { options, display, lesson, auto } = parts
  const invitation = parseInvitation(options.join as string)
  if (auto) checkUnattended(options.name, options.yes, invitation)
  display.line()
  display.text('Join a workshop', '', display.style.heading)
  const name = await nameOf(options.name, display)
  let room = invitation.room ?? (await askRoom(display))
  if (room === '') return without(display)
  const about = { name, lesson: { number: lesson.number, title: parts.title }, exercises: exercisesOf(parts) }
  showWhatIsSent(display, invitation, firstReport({ ...about, room }))
  if (!options.yes && !(await confirm(display, `Join as ${name}, and have this sent?`))) {
    return without(display)
  }
  for (;;) {
    const say = (sentence: string) => display.note(sentence)
    const reporter = new Reporter({ origin: invitation.origin, report: firstReport({ ...about, room }), say }, lesson.scenes.length)
    const reception = await reporter.join()
    if (reception.outcome === 'heard') display.good(`you have joined the room at ${invitation.origin} as ${name}.`)
    if (reception.outcome === 'missed') display.bad(missedSentence(invitation.origin, reception.why), 'note')
    if (reception.outcome !== 'refused') return reporter
    if (auto) throw new DrydockError(`${invitation.origin} does not let you in: ${reception.why}`)
    display.bad(`${invitation.origin} does not let you in: ${reception.why}.`)
    room = await askRoom(display)
    if (room === '') return without(display)
  }
}

function without(display: Display): undefined {
  display.text('You have not joined. The lesson goes on without.')
}

function checkUnattended(name: string | undefined, yes: boolean, { room, origin }: Invitation): void {
  const lacking = [
    ...(name === undefined ? ['--name NAME'] : []),
    ...(yes ? [] : ['--yes']),
    ...(room === undefined ? [`the room’s word in the address (${origin}/?room=WORD)`] : []),
  ]
  if (lacking.length > 0) throw new DrydockError(`--join without somebody to ask needs ${lacking.join(' and ')}`)
}

async function nameOf(given: string | undefined, display: Display): Promise<string> {
  if (given !== undefined) {
    const problem = problemWithName(given)
    if (problem !== undefined) throw new DrydockError(`--name ${JSON.stringify(given)}: ${problem}`)
    return given.trim()
  }
  for (;;) {
    const name = (await ask(display, 'What do you want to be called there?', userName())).trim()
    const problem = problemWithName(name)
    if (problem === undefined) return name
    display.bad(`${problem}.`)
  }
}

function problemWithName(name: string): string | undefined {
  const { length } = name.trim()
  if (length < 1 || length > LONGEST_NAME) return `a name has 1 to ${LONGEST_NAME} characters`
  return printable(name) === name ? undefined : 'there is a character in it that cannot be shown'
}

/** Of who sits here, also behind sudo. */
function userName(): string {
  try {
    return (process.env.SUDO_USER || userInfo().username).slice(0, LONGEST_NAME)
  } catch {
    // A uid without a name.
    return ''
  }
}

/** Empty: the learner would rather not. */
async function askRoom(display: Display): Promise<string> {
  return (await ask(display, 'The room’s word, which the instructor’s page shows (Enter alone: do not join):')).trim()
}

function exercisesOf({ lesson, progress, auto }: AudienceParts): ExerciseReport[] {
  const passed = new Set(auto ? [] : progress.lesson(lesson.name).exercises)
  return lesson.exercises.map(({ id, title }) => ({ id, title, state: passed.has(id) ? 'passed' : 'open', tries: 0 }))
}

function showWhatIsSent(display: Display, { origin, encrypted }: Invitation, report: LearnerReport): void {
  const { name, room, lesson, exercises } = report
  const passed = exercises.filter(({ state }) => state === 'passed').length
  display.line()
  display.text(`This is sent to ${origin}, when it changes and every ${PACE.heartbeat / 1000} seconds, and to nobody else:`)
  display.rows([
    { label: 'name', value: name },
    { label: 'room', value: room },
    { label: 'lesson', value: `${lesson?.number}, ${lesson?.title}` },
    { label: 'scene', value: 'which one you are at, its heading, and how many there are' },
    {
      label: 'exercises',
      value: `of each its title, whether it is passed, how often you have tried, and what the check saw that is not as asked (${passed} of ${exercises.length} are passed now)`,
    },
    { label: 'left', value: 'when you leave, that you have' },
    { label: 'id', value: 'a random number of this session, so that two of one name are two' },
  ])
  display.text('Nothing of your files, of what you type or of what is on the screen is sent. Nothing of this is kept on your machine.')
  if (!encrypted) display.text('It goes there as it is (http): who is on the same network can read it.')
}
