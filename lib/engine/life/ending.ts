/** A run of a container, from the moment when its program runs to the one when its end is on record, and what follows from it. */
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers'
import type { ExitRecord } from '../../container/index.js'
import { writeNotes } from '../../container/notes.js'
import { writeDurably } from '../../container/state.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { Exit } from '../../kernel/frames.js'
import { cgroupAt, killAll, remove as removeCgroup } from '../../primitives/cgroups/index.js'
import { nanosOf, nowNanos, timestamp } from '../clock.js'
import type { NameService } from '../connections.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { Endpoint } from '../documents/index.js'
import type { Container, Run } from './container.js'
import type { Line } from './line.js'
import { remove as removeContainer } from './remove.js'

export interface Begun {
  readonly line: Line
  readonly startedAt: string
  readonly endpoints: Readonly<Record<string, Endpoint>>
  readonly names?: NameService
  /** It was found running: nothing happened just now. */
  readonly found?: boolean
}

/** It runs. */
export function begin(core: Core, container: Container, { line, startedAt, endpoints, names, found }: Begun): void {
  let settle: () => void = () => undefined
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  const run: Run = { line, startedAt, endpoints, settled, paused: false }
  container.run = run
  if (!found) {
    tellNetworks(core, container, run, 'connect')
    core.events.publish({ Type: 'container', Action: 'start', ID: container.id, Attributes: attributesOf(container) })
    // Whoever waits for the start need not wait for this: the kernel knows it too.
    setImmediate(() => {
      if (container.run === run) remember(core, container)
    })
  }
  void follow(core, container, run, names).then(settle, (error) => {
    core.log('error', `${container.name}: ${sentenceOf(error)}`)
    settle()
  })
}

/** An engine that is killed before this has written it learns it from the shim's process. */
export function remember(core: Core, container: Container): void {
  try {
    writeNotes(container.layout, container.notes)
  } catch (error) {
    if (!container.doomed) core.log('warn', `${container.name}: its life cannot be written down: ${sentenceOf(error)}`)
  }
}

function tellNetworks(core: Core, { id, record }: Container, { endpoints }: Run, what: 'connect' | 'disconnect'): void {
  const { network } = record.spec
  const told =
    network.kind === 'networks' ? Object.entries(endpoints).map(([name, { networkId }]) => ({ name, networkId, type: 'bridge' })) : []
  for (const { name, networkId, type } of told) {
    core.events.publish({ Type: 'network', Action: what, ID: networkId, Attributes: { container: id, name, type } })
  }
}

async function follow(core: Core, container: Container, run: Run, names: NameService | undefined): Promise<void> {
  const { line } = run
  const exit = await line.exited
  await line.ended
  // The engine goes, and the container stays.
  if (core.closing && !exit) return
  const record = exit ? recordOf(container, run, exit) : await lost(core, container, run)
  container.exit = record
  await names?.close()
  await core.late.ended(container.id)
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
  container: Pick<Container, 'id' | 'name' | 'layout'>,
  { startedAt }: Pick<Run, 'startedAt'>,
): Promise<ExitRecord> {
  core.log('warn', `${container.name}: its shim was killed, so the container is ended`)
  try {
    const written = JSON.parse(readFileSync(container.layout.exit, 'utf8')) as ExitRecord
    await endAll(core, container.id)
    return written
  } catch {
    await endAll(core, container.id)
    const record = { exitCode: KILLED, signal: SIGKILL, oomKilled: false, startedAt, finishedAt: timestamp(nowNanos()) }
    writeDurably(container.layout.exit, JSON.stringify(record))
    return record
  }
}

async function endAll({ machine, log }: Core, id: string): Promise<void> {
  const cgroup = cgroupAt(id, machine.cgroups)
  try {
    await killAll(cgroup)
    await removeCgroup(cgroup)
  } catch (error) {
    log('error', `what is left of ${id} cannot be ended: ${sentenceOf(error)}`)
  }
}

/** Everything of this run is over. In one go, so that nobody sees half of it. */
function settled(core: Core, container: Container, run: Run, exit: ExitRecord): void {
  const { more } = container.record
  const execDuration = String((nanosOf(exit.finishedAt) - nanosOf(exit.startedAt)) / 1_000_000_000n)
  const attributes = attributesOf(container)
  if (exit.oomKilled) core.events.publish({ Type: 'container', Action: 'oom', ID: container.id, Attributes: attributes })
  const told = { ...attributes, execDuration, exitCode: String(exit.exitCode) }
  core.events.publish({ Type: 'container', Action: 'die', ID: container.id, Attributes: told })
  tellNetworks(core, container, run, 'disconnect')
  container.run = undefined
  container.execs.clear()
  const removing = more?.autoRemove === true && !container.restarting && !container.doomed
  if (removing) container.doomed = 'removing'
  container.hasExited({ exitCode: exit.exitCode })
  if (removing) {
    void removeContainer(core, container, { volumes: true, already: true }).catch((error) =>
      core.log('error', `${container.name}: ${sentenceOf(error)}`),
    )
  }
}
