/** Signals to a running container, kind ones first. */
import { DrydockError } from '../../kernel/errors.js'
import { parseSignal } from '../../kernel/signals.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { StopOptions } from '../types.js'
import { within } from '../within.js'
import type { Container } from './container.js'
import { remember } from './notes.js'
import { thawNow } from './pause.js'
import { start } from './start.js'

const SIGTERM = 15
const SIGKILL = 9

/** In seconds, when nothing was said: docker-stop(1). */
const USUAL_TIMEOUT = 10

/** How long a container that was killed may take to be gone, in milliseconds. */
const KILL_PATIENCE = 10_000

/** False: it does not run. */
export async function stop(core: Core, container: Container, options: StopOptions = {}): Promise<boolean> {
  const signal = options.signal ? parseSignal(options.signal) : stopSignalOf(container)
  await afterStart(container)
  if (!container.run) {
    if (!container.backoff) return false
    leaveAlone(core, container)
    container.backoff.cancel()
    tell(core, container, 'stop')
    return true
  }
  leaveAlone(core, container)
  void core.health.ends(container)
  const seconds = options.timeout ?? container.record.more?.stopTimeout ?? USUAL_TIMEOUT
  await send(core, container, signal)
  const { ended } = container
  if (!(await within(ended, seconds < 0 ? undefined : seconds * 1000))) {
    await send(core, container, SIGKILL)
    if (!(await within(ended, KILL_PATIENCE))) throw notDying(container)
  }
  tell(core, container, 'stop')
  return true
}

export async function restart(core: Core, container: Container, options: StopOptions = {}): Promise<void> {
  container.restarts++
  try {
    await stop(core, container, options)
  } finally {
    container.restarts--
  }
  await start(core, container)
  tell(core, container, 'restart')
}

/** As docker kill has it: SIGKILL is waited for, any other signal is only sent. */
export async function kill(core: Core, container: Container, signal: number): Promise<void> {
  await afterStart(container)
  const { run } = container
  if (!run) {
    throw new DrydockError(`cannot kill container: ${container.name}: container ${container.id} is not running`, { status: 409 })
  }
  // Any other signal is for the program to make of it what it wants.
  if (signal === SIGKILL || signal === stopSignalOf(container)) leaveAlone(core, container)
  await send(core, container, signal)
  if (signal === SIGKILL && !(await within(run.settled, KILL_PATIENCE))) throw notDying(container)
}

/** Whoever is just starting it comes first. */
async function afterStart(container: Container): Promise<void> {
  if (!container.run) await container.exclusively(async () => undefined)
}

const notDying = ({ id }: Container): DrydockError =>
  new DrydockError(`container ${id} was killed and does not end: one of its processes waits for a disk or a network file system`, {
    status: 500,
  })

export const stopSignalOf = ({ record: { spec } }: Container): number => {
  const asked = spec.declared?.stopSignal
  return asked ? parseSignal(asked) : SIGTERM
}

/** Somebody wants it to end: its restart policy does not start it again, unless a `restart` is under way. An engine to come knows it too. */
function leaveAlone(core: Core, container: Container): void {
  if (container.notes.stopped) return
  container.notes = { ...container.notes, stopped: true }
  const { policy = 'no' } = container.record.more?.restart ?? {}
  if (policy !== 'no') remember(core, container)
}

async function send(core: Core, container: Container, signal: number): Promise<void> {
  const { run } = container
  if (!run) return
  const ends = signal === SIGKILL || signal === stopSignalOf(container)
  if (ends) run.endings++
  if (signal === SIGKILL) run.killed = true
  run.line.signal(signal)
  const attributes = { ...attributesOf(container), signal: String(signal) }
  core.events.publish({ Type: 'container', Action: 'kill', ID: container.id, Attributes: attributes })
  // One that stands still would hear of it when it runs on.
  if (run.paused && ends) await thawNow(core, container, run)
}

function tell(core: Core, container: Container, action: string): void {
  core.events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributesOf(container) })
}
