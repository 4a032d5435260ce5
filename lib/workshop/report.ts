/** Reading a learner's report (lib/trace/report.ts): from somebody who may send anything. What is not in the schema is refused, not dropped. */
import { DrydockError } from '../kernel/errors.js'
import { printable } from '../kernel/printable.js'
import type { ExerciseReport, LearnerReport } from '../trace/report.js'

/** Bytes of a report. */
export const LONGEST_REPORT = 16 * 1024

const MOST_EXERCISES = 40
const LONGEST = { name: 40, room: 60, heading: 200, title: 200, id: 64, saw: 200 } as const
const STATES: readonly string[] = ['open', 'passed', 'stuck']

/** Throws 400 with what is wrong. */
export function readReport(body: unknown): LearnerReport {
  const report = members(body, 'the report', ['version', 'id', 'name', 'room', 'lesson', 'scene', 'exercises', 'left'])
  if (report.version !== 1) wrong('its version is not 1: the two machines have different versions of drydock')
  const { id, name } = report
  if (typeof id !== 'string' || !/^[0-9a-f]{16,64}$/.test(id)) wrong('id is not 16 to 64 hexadecimal digits')
  const called = text(name, 'name', LONGEST.name).trim()
  if (called === '' || called !== (name as string).trim()) wrong('name has characters that no name has, or none at all')
  if (typeof report.left !== 'boolean') wrong('left is neither true nor false')
  const { exercises } = report
  if (!Array.isArray(exercises) || exercises.length > MOST_EXERCISES) wrong(`exercises is no list of at most ${MOST_EXERCISES}`)
  return {
    version: 1,
    id: id as string,
    name: called,
    room: text(report.room, 'room', LONGEST.room),
    lesson: report.lesson === null ? null : readLesson(report.lesson),
    scene: report.scene === null ? null : readScene(report.scene),
    exercises: (exercises as unknown[]).map(readExercise),
    left: report.left as boolean,
  }
}

function readLesson(value: unknown): NonNullable<LearnerReport['lesson']> {
  const lesson = members(value, 'lesson', ['number', 'title'])
  return { number: count(lesson.number, 'lesson.number'), title: text(lesson.title, 'lesson.title', LONGEST.title) }
}

function readScene(value: unknown): NonNullable<LearnerReport['scene']> {
  const scene = members(value, 'scene', ['index', 'of', 'heading'])
  return {
    index: count(scene.index, 'scene.index'),
    of: count(scene.of, 'scene.of'),
    heading: text(scene.heading, 'scene.heading', LONGEST.heading),
  }
}

function readExercise(value: unknown): ExerciseReport {
  const exercise = members(value, 'an exercise', ['id', 'title', 'state', 'tries'], ['saw'])
  const { state } = exercise
  if (!STATES.includes(state as string)) wrong(`an exercise’s state is none of ${STATES.join(', ')}`)
  return {
    id: text(exercise.id, 'an exercise’s id', LONGEST.id),
    title: text(exercise.title, 'an exercise’s title', LONGEST.title),
    state: state as ExerciseReport['state'],
    ...(exercise.saw !== undefined && { saw: text(exercise.saw, 'what the check saw', LONGEST.saw) }),
    tries: count(exercise.tries, 'tries'),
  }
}

type Members = Readonly<Record<string, unknown>>

/** An object with these members, perhaps those, and no other. */
function members(value: unknown, what: string, needed: readonly string[], allowed: readonly string[] = []): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(`${what} is no object`)
  const found = value as Members
  const lacking = needed.find((name) => !Object.hasOwn(found, name))
  if (lacking !== undefined) wrong(`${what} has no ${lacking}`)
  const unknown = Object.keys(found).find((name) => !needed.includes(name) && !allowed.includes(name))
  if (unknown !== undefined) wrong(`${what} has a member that is not known here: ${printable(unknown.slice(0, 40))}`)
  return found
}

/** At most so many characters, without any that move a cursor or turn the text around. */
function text(value: unknown, what: string, longest: number): string {
  if (typeof value !== 'string') wrong(`${what} is no text`)
  if ([...(value as string)].length > longest) wrong(`${what} is longer than ${longest} characters`)
  return printable(value as string)
}

function count(value: unknown, what: string): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 1_000_000) wrong(`${what} is no count`)
  return value as number
}

function wrong(what: string): never {
  throw new DrydockError(`this report is not understood: ${what}`, { status: 400 })
}
