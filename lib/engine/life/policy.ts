/** Restart policies: whether a container is started again when it has ended, and after which pause. github.com/docker/docker, restartmanager. */
import type { RestartRequest } from '../../container/index.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { Core } from '../core.js'
import type { Container } from './container.js'
import { type Starter, start } from './start.js'

/** Pauses in milliseconds: the first one, and the longest; each is twice the one before. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 60_000

/** Who has run for so long, in nanoseconds, begins with the first pause again. */
const LONG_RUN = 10_000_000_000n

export interface Ended {
  readonly exitCode: number
  /** Somebody wanted it to end. */
  readonly stopped: boolean
  /** How often the policy has started it before. */
  readonly restartCount: number
}

/** Is it to be started again? */
export function restarts({ policy, most }: RestartRequest, { exitCode, stopped, restartCount }: Ended): boolean {
  if (stopped) return false
  if (policy === 'on-failure') return exitCode !== 0 && (most === 0 || restartCount < most)
  return policy === 'always' || policy === 'unless-stopped'
}

/** Is one that does not run started when an engine begins? `always` is stronger than somebody's wish of before. */
export const startsWithEngine = (request: RestartRequest, ended: Ended): boolean => request.policy === 'always' || restarts(request, ended)

/** How long it rests before it is started again; `last`: the pause before the run that has just ended. */
export function pauseAfter(ran: bigint, last: number | undefined): number {
  if (last === undefined || ran >= LONG_RUN) return FIRST_PAUSE
  return Math.min(LONGEST_PAUSE, last * 2)
}

/** It rests from now on. Who stops or removes it meanwhile ends that. */
export function rest(core: Core, container: Container, pause: number): void {
  const timer = setTimeout(() => {
    container.backoff = undefined
    if (!core.closing) void startAgain(core, container, 'policy')
  }, pause)
  container.pause = pause
  container.backoff = {
    cancel: () => {
      clearTimeout(timer)
      container.backoff = undefined
    },
  }
}

export async function startAgain(core: Core, container: Container, by: Starter): Promise<void> {
  try {
    await start(core, container, by)
  } catch (error) {
    core.log('error', `${container.name} was not started again: ${sentenceOf(error)}`)
  }
}
