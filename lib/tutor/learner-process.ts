/**
 * The process in which a learner's function runs. Nothing that it says is trusted; the verdict comes from what the kernel does with the steps.
 *
 *     tutor                        here
 *     question  ─────────────►
 *               ◄────── begins   loads the file and calls the function: from here on it is the learner's time
 *               ◄────── answer   once
 */
import { pathToFileURL } from 'node:url'
import { keepFromHosts } from './learner-network.js'
import { problemWithSteps } from './returned.js'

export interface LearnerQuestion {
  readonly file: string
  readonly name: string
  readonly challenge: unknown
}

export interface LearnerBegins {
  readonly kind: 'begins'
}

export type LearnerAnswer =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'not steps'; readonly problem: string }
  | { readonly kind: 'not loaded' | 'threw'; readonly name: string; readonly message: string; readonly stack: string }
  | { readonly kind: 'no function'; readonly found: string; readonly exported: readonly string[] }
  | { readonly kind: 'unsettled' }

// Taken before any code of the learner's runs.
const send = process.send?.bind(process)

let answered = false
function answer(message: LearnerAnswer): void {
  if (answered) return
  answered = true
  send?.(message, () => process.exit(0))
}

function failure(kind: 'not loaded' | 'threw', error: unknown): LearnerAnswer {
  if (!(error instanceof Error)) return { kind, name: '', message: String(error), stack: '' }
  return { kind, name: error.name, message: whole(error), stack: error.stack ?? '' }
}

keepFromHosts()

/** What fetch and others throw says nothing; what it was thrown for does. */
const whole = ({ message, cause }: Error): string => (cause instanceof Error ? `${message}: ${cause.message}` : message)

async function run({ file, name, challenge }: LearnerQuestion): Promise<void> {
  send?.({ kind: 'begins' } satisfies LearnerBegins)
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    return answer(failure('not loaded', error))
  }
  const wanted = module[name]
  if (typeof wanted !== 'function') return answer({ kind: 'no function', found: typeof wanted, exported: Object.keys(module) })
  let value: unknown
  try {
    value = await wanted(challenge)
  } catch (error) {
    return answer(failure('threw', error))
  }
  const problem = problemWithSteps(value)
  if (problem) return answer({ kind: 'not steps', problem })
  try {
    answer({ kind: 'returned', value })
  } catch (error) {
    // A function or a promise inside a step cannot be sent.
    answered = false
    answer({ kind: 'not steps', problem: `a step in the list cannot be sent on: ${(error as Error).message}` })
  }
}

process.once('message', (question: LearnerQuestion) => {
  // From here on only the learner's code keeps this process alive: when nothing is left to happen, a promise will never settle.
  process.channel?.unref()
  process.on('beforeExit', () => answer({ kind: 'unsettled' }))
  process.on('uncaughtException', (error) => answer(failure('threw', error)))
  process.on('unhandledRejection', (error) => answer(failure('threw', error)))
  void run(question)
})
process.on('disconnect', () => process.exit(1))
