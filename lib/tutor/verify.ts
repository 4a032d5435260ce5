/**
 * Both directions of every exercise, for tests: the file that is handed out must fail its check and the solution must pass it,
 * and a program that says it passed must fail all the same.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkExercise } from './checker.js'
import type { Exercise, Lesson } from './lesson.js'
import { type Missing, missing } from './needs.js'
import { exerciseFile, solutionFile } from './workspace.js'

const PROGRAMS = ['exercise', 'solution', 'liar', 'deserter'] as const
export type Program = (typeof PROGRAMS)[number]

export interface Verification {
  readonly exercise: string
  readonly program: Program
  /** Undefined when this machine lacks what the exercise needs. */
  readonly passed: boolean | undefined
  /** Did it pass when it should, and fail when it should? True too when it could not be tried. */
  readonly ok: boolean
  /** What the check saw; or what is missing. */
  readonly saw: readonly string[]
}

/** The exercise's file, but it prints that it passed, at the end too, and leaves with status 0. */
const liar = (file: string, id: string) => `
import * as exercise from ${JSON.stringify(pathToFileURL(file).href)}
process.on('exit', () => console.log('ok passed'))
export async function ${id}(challenge) {
  const steps = await exercise.${id}(challenge)
  console.log('ok passed: all things are as asked')
  process.exitCode = 0
  return steps
}
`

/** One that says it passed and leaves with status 0. */
const deserter = (_: string, id: string) => `
export function ${id}() {
  console.log('ok passed')
  process.exit(0)
}
`

/** `wanted`: which of the programs are tried; all, if it is not said. */
export async function verifyLesson(lesson: Lesson, wanted: readonly Program[] = PROGRAMS): Promise<Verification[]> {
  const directory = await mkdtemp(join(tmpdir(), 'drydock-verify-'))
  try {
    const results: Verification[] = []
    for (const exercise of lesson.exercises) {
      const lacking = await missing(['bottle', ...lesson.needs, ...(exercise.needs ?? [])])
      results.push(...(await verifyExercise(lesson, exercise, lacking, { directory, wanted })))
    }
    return results
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function verifyExercise(
  lesson: Lesson,
  exercise: Exercise,
  lacking: readonly Missing[],
  { directory, wanted }: { readonly directory: string; readonly wanted: readonly Program[] },
): Promise<Verification[]> {
  const starter = exerciseFile(lesson)
  const written = async (program: Program, source: string) => {
    const path = join(directory, `${exercise.id}-${program}.mts`)
    await writeFile(path, source)
    return path
  }
  const programs: [Program, () => Promise<string>][] = [
    ['exercise', async () => starter],
    ['solution', async () => solutionFile(lesson)],
    ['liar', () => written('liar', liar(starter, exercise.id))],
    ['deserter', () => written('deserter', deserter(starter, exercise.id))],
  ]
  const results: Verification[] = []
  for (const [program, file] of programs.filter(([name]) => wanted.includes(name))) {
    const about = { exercise: exercise.id, program }
    if (lacking.length > 0) {
      results.push({ ...about, passed: undefined, ok: true, saw: lacking.map(({ why }) => why) })
      continue
    }
    const { passed, saw } = await checkExercise(exercise, await file())
    results.push({ ...about, passed, ok: passed === (program === 'solution'), saw })
  }
  return results
}
