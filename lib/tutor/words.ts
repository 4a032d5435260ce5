/** Steps and their results in words, for a record that is read without this program and its cards. */
import { errnoOf } from '../kernel/constants.js'
import type { Result } from '../kernel/result.js'
import { showArg, showOutcome, showStep } from '../kernel/show.js'
import type { Actor, Step } from '../kernel/step.js'
import type { ResultWords, StepWords } from '../trace/types.js'
import { answersOf } from './answers.js'
import { cardOf, flagNote, wordsOfStep } from './cards/index.js'

/** `earlier`: the steps before it, to which its descriptors can be traced. */
export function stepWords(step: Step & { actor: Actor }, earlier: readonly Step[] = []): StepWords {
  const { actor, call, phase, why } = step
  const card = cardOf(call)
  const shell = card?.shell?.(step, earlier)
  const args = step.args.map((arg) => ({
    name: arg.name,
    shown: showArg(arg),
    words: wordsOfStep({ args: [arg] }).map(({ group, word }) => ({ word, means: flagNote(group, word) ?? '' })),
  }))
  return {
    actor,
    call,
    shown: showStep(step),
    args,
    ...(phase && { phase }),
    ...(why && { why }),
    ...(card && { summary: card.summary }),
    ...(shell !== undefined && { shell }),
  }
}

export function resultWords(result: Result): ResultWords {
  const { status, errno, nanoseconds } = result
  const answers = answersOf(result)
  return {
    status,
    outcome: outcomeInWords(result),
    ...(errno !== 0 && status !== 'not run' && { errno: errnoOf(errno).name }),
    nanoseconds,
    ...(answers.length > 0 && { answers }),
  }
}

/** Has the call turned the process into another program? Then it has no outcome and no duration. */
export const becameAnother = ({ step, errno, status }: Result): boolean =>
  status !== 'not run' && step.call.startsWith('execve') && errno === 0

export function outcomeInWords(result: Result): string {
  if (result.status === 'not run') return 'not made'
  return becameAnother(result) ? 'it does not return: the process runs another program now' : showOutcome(result)
}
