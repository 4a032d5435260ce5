/**
 * What an engine finds when it begins. The kernel and the shims tell what runs: a container's socket answers as long as its shim lives. What ended meanwhile is in
 * its exit file; what was half made or half removed is taken away.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupPath, listContainers, readContainer } from '../../container/index.js'
import { readNotes } from '../../container/notes.js'
import { sweepSteps } from '../../container/staged.js'
import { sentenceOf } from '../../kernel/errors.js'
import { namesIfReadable, textIfReadable } from '../../kernel/readable.js'
import { DEFAULT_NETWORK, readNetworks } from '../../network/config.js'
import { pluggedAt, reclaim } from '../../network/leases.js'
import { cgroupAt, isFrozen } from '../../primitives/cgroups/index.js'
import { nowNanos, timestamp } from '../clock.js'
import type { NameService } from '../connections.js'
import type { Core } from '../core.js'
import { firstProcesses } from '../living.js'
import { Container } from './container.js'
import { begin, endAll, lost } from './ending.js'
import { LeasedEndpoints } from './endpoints.js'
import { findLine, type Line } from './line.js'
import { startAgain, startsWithEngine } from './policy.js'
import { remove } from './remove.js'

export async function recover(core: Core): Promise<void> {
  const steps = sweepSteps(core.dataRoot)
  if (steps.length > 0) await core.clerks.run(steps)
  const stored = listContainers(core.dataRoot)
  const endpoints = new LeasedEndpoints(core)
  const orphans = onlyWhenAsked()
  const found = await Promise.all(
    stored.map(async (one) => {
      const container = new Container(core.dataRoot, one.record, readNotes(one.layout), one.exit)
      core.containers.add(container)
      try {
        const line = await findLine(one.layout.socket)
        if (line) await goesOn(core, container, line, endpoints)
        else await settle(core, container, orphans)
      } catch (error) {
        // The others are not to be without an engine for that.
        core.log('error', `${container.name}: ${sentenceOf(error)}`)
      }
      return container
    }),
  )
  sweepNames(core, found)
  await reclaimLeases(core)
  for (const container of found) {
    const { record, running, status, layout } = container
    if (running) continue
    // An engine that was killed may have been told its end, and nobody else was: what was written for its start tells that there was one.
    const begun = status !== 'created' || existsSync(layout.hosts)
    if (record.more?.autoRemove && begun) {
      await remove(core, container, { volumes: true }).catch((error) => core.log('error', `${container.name}: ${sentenceOf(error)}`))
    } else if (status !== 'created' && wants(container)) {
      // Each at its own pace: clients need not wait for it.
      void startAgain(core, container, 'engine')
    }
  }
}

function wants({ record: { more }, ending: { exitCode }, notes: { stopped, restartCount } }: Container): boolean {
  return more !== undefined && startsWithEngine(more.restart, { exitCode, stopped, restartCount })
}

/** It runs, and goes on. */
async function goesOn(core: Core, container: Container, line: Line, endpoints: LeasedEndpoints): Promise<void> {
  const { startedAt = timestamp(nowNanos()) } = container.notes
  container.exit = undefined
  core.late.note(container.id)
  const where = endpoints.of(container)
  const names = await namesAgain(core, container, Object.keys(where))
  begin(core, container, { line, startedAt, endpoints: where, found: { paused: isPaused(core, container) }, ...(names && { names }) })
}

/** The name services went with the engine that had them. A bridge that somebody has removed meanwhile has no address for one. */
async function namesAgain(core: Core, { name }: Container, networks: readonly string[]): Promise<NameService | undefined> {
  try {
    return await core.names.use(networks.filter((network) => network !== DEFAULT_NETWORK))
  } catch (error) {
    core.log('warn', `${name}: ${sentenceOf(error)}`)
    return undefined
  }
}

function isPaused({ machine }: Core, { record }: Container): boolean {
  try {
    return isFrozen(cgroupAt(cgroupPath(record.spec), machine.cgroups))
  } catch {
    // It has none that can be frozen.
    return false
  }
}

/** It does not run, or nobody looks after it any more. */
async function settle(core: Core, container: Container, orphans: () => ReadonlySet<string>): Promise<void> {
  const { layout, id } = container
  rmSync(layout.socket, { force: true })
  // Looked at again: between the first look and the one at its socket it may have ended.
  container.exit = readContainer(core.dataRoot, id)?.exit
  const { startedAt } = container.notes
  const over = container.exit !== undefined || startedAt === undefined
  if (over && !isLeft(core, container, orphans)) return
  // One that was being started, or whose end is on record, has only left something.
  if (over) return endAll(core, container)
  container.exit = await lost(core, container, { startedAt })
}

/** Is there something of its run in the kernel, without a shim? Its cgroup tells, and where there is none a look at all processes. */
function isLeft({ machine }: Core, { record, layout }: Container, orphans: () => ReadonlySet<string>): boolean {
  const [directory] = cgroupAt(cgroupPath(record.spec), machine.cgroups)
  return directory ? existsSync(directory.path) : orphans().has(layout.upper)
}

/** One look for all of them, which few need. */
function onlyWhenAsked(): () => ReadonlySet<string> {
  let found: ReadonlySet<string> | undefined
  return () => {
    found ??= new Set(firstProcesses().keys())
    return found
  }
}

/** A container that was being renamed has two; the one in its record counts. */
function sweepNames({ dataRoot }: Core, found: readonly Container[]): void {
  const directory = join(dataRoot, 'names')
  const names = namesIfReadable(directory)
  if (names.length <= found.length) return
  const nameOf = new Map(found.map(({ id, name }) => [id, name]))
  for (const name of names) {
    const own = nameOf.get(textIfReadable(join(directory, name)) ?? '')
    if (own !== undefined && own !== name) rmSync(join(directory, name), { force: true })
  }
}

async function reclaimLeases(core: Core): Promise<void> {
  const networks = readNetworks(core.dataRoot)
  if (networks.length === 0) return
  const shim = await core.newShim()
  try {
    for (const { name } of networks) await reclaim(core.dataRoot, name, pluggedAt(shim))
  } catch (error) {
    core.log('warn', `addresses of dead containers stay taken: ${sentenceOf(error)}`)
  } finally {
    await shim.rollback()
  }
}
