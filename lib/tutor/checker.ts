/** Checks an exercise: a new challenge, the learner's steps for it, a bottle of their own, and the kernel's state as the judge. */
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { patience } from '../kernel/patience.js'
import { explainFailure } from './explain.js'
import { type Ground, oneBottle } from './ground.js'
import { type LearnerLimits, runLearner } from './learner.js'
import type { Exercise, Trial } from './lesson.js'
import { random } from './random.js'
import { ExerciseTrial, TrialFailure, within } from './trial.js'

export interface Verdict {
  readonly passed: boolean
  /** What the kernel showed that is not as asked, the most telling first; or why the try did not come so far. */
  readonly saw: readonly string[]
  /** What is behind it, when a step failed. */
  readonly because: readonly string[]
  /** Number of the hint that fits, from 1. */
  readonly hint: number | undefined
  /** How many things were looked at. */
  readonly looks: number
  /** What the learner's program printed; it was not listened to. */
  readonly printed: string
  readonly challenge: Trial['challenge']
}

/** A check waits for programs to end and limits to bite; one that is not done after this never will be. */
const LONGEST_CHECK = patience(60_000)

/** Try the function `exercise.id` of a file. Never throws for what a learner can do wrong. */
export async function checkExercise(exercise: Exercise, file: string, limits: Partial<LearnerLimits> = {}): Promise<Verdict> {
  const chosen = exercise.challenge(random)
  if (!exercise.setting) return checkFunction(exercise, file, chosen, limits)
  const ground = await openGround(exercise)
  try {
    const setting = await exercise.setting(ground.bottle, chosen, ground)
    try {
      return await checkFunction(exercise, file, { ...chosen, ...setting.given }, limits, ground)
    } finally {
      await setting.close()
    }
  } finally {
    await ground.close()
  }
}

const openGround = ({ ground = oneBottle }: Exercise) => ground()

/** On this ground, or on one that is made when there are steps to run on it. */
async function checkFunction(
  exercise: Exercise,
  file: string,
  challenge: Trial['challenge'],
  limits: Partial<LearnerLimits>,
  prepared?: Ground,
): Promise<Verdict> {
  const { outcome, printed } = await runLearner(file, exercise.id, challenge, limits)
  const base = { challenge, printed, because: [], hint: undefined, looks: 0, passed: false }
  if ('problem' in outcome)
    return { ...base, saw: [`Your function ${exercise.id}: ${outcome.problem}${/[.?!]$/.test(outcome.problem) ? '' : '.'}`] }
  const ground = prepared ?? (await openGround(exercise))
  try {
    return { ...base, ...(await tryOut(exercise, new ExerciseTrial(ground, challenge, outcome.steps))) }
  } finally {
    if (ground !== prepared) await ground.close()
  }
}

async function tryOut(exercise: Exercise, trial: ExerciseTrial): Promise<Pick<Verdict, 'passed' | 'saw' | 'because' | 'hint' | 'looks'>> {
  try {
    const done = await within(
      exercise.check(trial).then(() => true),
      LONGEST_CHECK,
    )
    if (!done) throw new TrialFailure(`the check was not done after ${LONGEST_CHECK / 1000} s: something that it waited for did not happen`)
  } catch (error) {
    // Findings that were made before it stand: they may tell more than the error.
    return { passed: false, ...failedFindings(trial), ...whyStopped(error, trial) }
  }
  const { saw, hint } = failedFindings(trial)
  const looks = trial.findings.length
  if (looks === 0) throw new DrydockError(`the check of exercise '${exercise.id}' looked at nothing, so it cannot say anything`)
  return { passed: saw.length === 0, saw, because: [], hint, looks }
}

function failedFindings({ findings }: ExerciseTrial): { saw: string[]; hint: number | undefined } {
  const failed = findings.filter(({ holds }) => !holds)
  return { saw: failed.map(({ saw }) => saw), hint: failed.find(({ hint }) => hint !== undefined)?.hint }
}

function whyStopped(error: unknown, trial: ExerciseTrial): Pick<Verdict, 'saw' | 'because' | 'looks'> {
  const { saw } = failedFindings(trial)
  const looks = trial.findings.length
  if (error instanceof TrialFailure) {
    return { saw: [...saw, sentence(error.message)], because: whyFailed(error), looks }
  }
  // A learner's plan can lead to states that a check did not think of; that is not passed either.
  if (error instanceof DrydockError) return { saw: [...saw, `The check could not go on: ${sentenceOf(error)}`], because: [], looks }
  throw error
}

/** A number is written to a descriptor: what file that is, the steps before it tell. */
function whyFailed({ results }: TrialFailure): string[] {
  const failed = results.at(-1)
  const earlier = results.slice(0, -1).map(({ step }) => step)
  return failed ? explainFailure(failed, undefined, earlier) : []
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
