/** A run of a container, from the moment when its program runs to the one when its end is on record, and what follows from it. */
import { readFileSync, rmSync } from 'node:fs'
import { setImmediate } from 'node:timers'
import { type ContainerRecord, cgroupPath, type ExitRecord } from '../../container/index.js'
import { writeDurably } from '../../container/state.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { Exit } from '../../kernel/frames.js'
import { cgroupAt, killAll, remove as removeCgroup } from '../../primitives/cgroups/index.js'
import { nanosOf, nowNanos, timestamp } from '../clock.js'
import type { NameService } from '../connections.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { Endpoint } from '../documents/index.js'
import { publishMounts, publishUnmounts } from '../volume/index.js'
import type { Container, Run } from './container.js'
import type { Line } from './line.js'
import { remember } from './notes.js'
import { pauseAfter, rest, restarts } from './policy.js'
import { remove as removeContainer } from './remove.js'

export interface Begun {
  readonly line: Line
  readonly startedAt: string
  readonly endpoints: Readonly<Record<string, Endpoint>>
  readonly names?: NameService
  /** It was found running, or standing still: nothing happened just now. */
  readonly found?: { readonly paused: boolean }
}

/** It runs. */
export function begin(core: Core, container: Container, { line, startedAt, endpoints, names, found }: Begun): void {
  let settle: () => void = () => undefined
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  const run: Run = { line, startedAt, endpoints, settled, paused: found?.paused ?? false, endings: 0, killed: false }
  container.run = run
  core.health.begins(container, { startedAt, ...(found && { found }) })
  if (!found) {
    tellNetworks(core, container, run, 'connect')
    publishMounts(core.events, container)
    core.events.publish({ Type: 'container', Action: 'start', ID: container.id, Attributes: attributesOf(container) })
    // Whoever waits for the start need not wait for this: the kernel knows it too.
    setImmediate(() => {
      if (container.run === run) remember(core, container)
    })
  }
  void follow(core, container, run, names).then(settle, (error) => {
    core.log('error', `${container.name}: ${sentenceOf(error)}`)
    // It runs no more, whatever could not be done about it: who waits for that must not wait for ever.
    if (container.run === run) {
      container.run = undefined
      container.hasExited(container.ending)
    }
    settle()
  })
}

const DRIVERS: Readonly<Record<string, string>> = { none: 'null', host: 'host' }

function tellNetworks(core: Core, { id }: Container, { endpoints }: Run, what: 'connect' | 'disconnect'): void {
  for (const [name, { networkId }] of Object.entries(endpoints)) {
    const Attributes = { container: id, name, type: DRIVERS[name] ?? 'bridge' }
    core.events.publish({ Type: 'network', Action: what, ID: networkId, Attributes })
  }
}

async function follow(core: Core, container: Container, run: Run, names: NameService | undefined): Promise<void> {
  const { line } = run
  const exit = await line.exited
  // Without a pid namespace of its own the kernel ends nobody but the first process, and the rest keeps its cgroup.
  if (exit && container.record.spec.sharing?.pid) await endProcesses(core, container.record)
  await line.ended
  // The engine goes, and the container stays.
  if (core.closing && !exit) return
  const record = exit ? recordOf(container, run, exit) : await lost(core, container, run)
  container.exit = record
  if (record.logErrors)
    core.log(
      'warn',
      `${container.name}: entries of its log were lost, or it could not be rotated (errors: ${record.logErrors}): is the disk full?`,
    )
  try {
    await names?.close()
    await core.late.ended(container.id)
  } catch (error) {
    core.log('warn', `${container.name}: its names are not let go of: ${sentenceOf(error)}`)
  }
  settled(core, container, run, record)
  line.close()
}

/** What the shim has written, or would have: it keeps none for a container that goes with it. */
function recordOf({ layout }: Container, { startedAt }: Run, exit: Exit): ExitRecord {
  try {
    return JSON.parse(readFileSync(layout.exit, 'utf8')) as ExitRecord
  } catch {
    const { code, signal, oomKilled } = exit
    return { exitCode: code, signal, oomKilled, startedAt, finishedAt: timestamp(nowNanos()) }
  }
}

/** Exit code of what was killed. */
const KILLED = 137
const SIGKILL = 9

/** Its shim was killed. Nobody holds its streams any more, or can tell how it ends: so it is ended, and what the shim would have undone is undone. */
export async function lost(
  core: Core,
  container: Pick<Container, 'id' | 'name' | 'layout' | 'record'>,
  { startedAt }: Pick<Run, 'startedAt'>,
): Promise<ExitRecord> {
  core.log('warn', `${container.name}: its shim was killed, so the container is ended`)
  rmSync(container.layout.socket, { force: true })
  try {
    const written = JSON.parse(readFileSync(container.layout.exit, 'utf8')) as ExitRecord
    await endAll(core, container)
    return written
  } catch {
    await endAll(core, container)
    const record = { exitCode: KILLED, signal: SIGKILL, oomKilled: false, startedAt, finishedAt: timestamp(nowNanos()) }
    writeExit(core, container, record)
    return record
  }
}

/** On a full disk too a container has ended that has. */
export function writeExit({ log }: Core, { name, layout }: Pick<Container, 'name' | 'layout'>, record: ExitRecord): void {
  try {
    writeDurably(layout.exit, JSON.stringify(record))
  } catch (error) {
    log('error', `${name}: its end cannot be written down: ${sentenceOf(error)}`)
  }
}

/** Whatever runs in its cgroup is killed, and that goes too, and so do its addresses: its shim gives nothing back any more. */
export async function endAll(core: Core, { id, record }: Pick<Container, 'id' | 'record'>): Promise<void> {
  await endProcesses(core, record)
  try {
    await removeCgroup(cgroupAt(cgroupPath(record.spec), core.machine.cgroups))
  } catch (error) {
    core.log('error', `the cgroup of ${id} stays: ${sentenceOf(error)}`)
  }
  core.late.note(id)
  await core.late.ended(id)
}

async function endProcesses({ machine, log }: Core, { spec }: ContainerRecord): Promise<void> {
  try {
    await killAll(cgroupAt(cgroupPath(spec), machine.cgroups))
  } catch (error) {
    log('error', `what is left of ${spec.id} cannot be ended: ${sentenceOf(error)}`)
  }
}

/** Everything of this run is over. In one go, so that nobody sees half of it. */
function settled(core: Core, container: Container, run: Run, exit: ExitRecord): void {
  const { more } = container.record
  const { exitCode } = exit
  const ran = nanosOf(exit.finishedAt) - nanosOf(exit.startedAt)
  const attributes = attributesOf(container)
  const tell = (Action: string, told: Readonly<Record<string, string>> = {}) =>
    core.events.publish({ Type: 'container', Action, ID: container.id, Attributes: { ...attributes, ...told } })
  if (exit.oomKilled) tell('oom')
  tell('die', { execDuration: String(ran / 1_000_000_000n), exitCode: String(exitCode) })
  tellNetworks(core, container, run, 'disconnect')
  publishUnmounts(core.events, container)
  container.run = undefined
  void core.health.ends(container)
  container.execs.clear()
  const free = container.restarts === 0 && !container.doomed
  const removes = free && more?.autoRemove === true
  const { stopped, restartCount } = container.notes
  const again = free && more && restarts(more.restart, { exitCode, stopped, restartCount })
  if (removes) container.doomed = 'removing'
  if (again) rest(core, container, pauseAfter(ran, container.pause))
  container.hasExited({ exitCode })
  if (removes) {
    void removeContainer(core, container, { volumes: true, already: true }).catch((error) =>
      core.log('error', `${container.name}: ${sentenceOf(error)}`),
    )
  }
}
