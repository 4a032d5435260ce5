/**
 * What an engine finds when it begins. The kernel and the shims tell what runs: a container's socket answers as long as its shim lives. What ended meanwhile is in
 * its exit file; what was half made or half removed is taken away.
 */
import { rmSync } from 'node:fs'
import { listContainers, type StoredContainer } from '../../container/index.js'
import { readNotes } from '../../container/notes.js'
import { sweepSteps } from '../../container/staged.js'
import { sentenceOf } from '../../kernel/errors.js'
import { readNetworks } from '../../network/config.js'
import { pluggedAt, reclaim } from '../../network/leases.js'
import { nowNanos, timestamp } from '../clock.js'
import type { Core } from '../core.js'
import { firstProcesses } from '../living.js'
import { Container } from './container.js'
import { begin, lost } from './ending.js'
import { LeasedEndpoints } from './endpoints.js'
import { findLine, type Line } from './line.js'
import { remove } from './remove.js'

export async function recover(core: Core): Promise<void> {
  const steps = sweepSteps(core.dataRoot)
  if (steps.length > 0) await core.clerks.run(steps)
  const stored = listContainers(core.dataRoot)
  const endpoints = new LeasedEndpoints(core.dataRoot)
  const orphans = onlyWhenAsked()
  const found = await Promise.all(
    stored.map(async (one) => {
      const container = new Container(core.dataRoot, one.record, readNotes(one.layout), one.exit)
      core.containers.add(container)
      const line = await findLine(one.layout.socket)
      if (line) found_(core, container, line, endpoints)
      else await settle(core, container, one, orphans)
      return container
    }),
  )
  await reclaimLeases(core)
  for (const container of found) {
    if (container.running || !container.record.more?.autoRemove || container.status === 'created') continue
    await remove(core, container, { volumes: true }).catch((error) => core.log('error', `${container.name}: ${sentenceOf(error)}`))
  }
}

/** It runs, and goes on. */
function found_(core: Core, container: Container, line: Line, endpoints: LeasedEndpoints): void {
  const { startedAt = timestamp(nowNanos()) } = container.notes
  container.exit = undefined
  core.late.note(container.id)
  begin(core, container, { line, startedAt, endpoints: endpoints.of(container), found: true })
}

/** It does not run, or nobody looks after it any more. */
async function settle(core: Core, container: Container, { layout }: StoredContainer, orphans: () => Map<string, number>): Promise<void> {
  rmSync(layout.socket, { force: true })
  const { startedAt } = container.notes
  const over = container.exit !== undefined || startedAt === undefined
  if (over && !orphans().has(layout.upper)) return
  container.exit = await lost(core, container, { startedAt: startedAt ?? container.record.created })
}

/** A look at all processes, which few need. */
function onlyWhenAsked(): () => Map<string, number> {
  let found: Map<string, number> | undefined
  return () => {
    found ??= firstProcesses()
    return found
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
