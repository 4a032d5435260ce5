/** A container stands still, and runs on: freezer (cgroup v1) or cgroup.freeze (v2). */
import { DrydockError } from '../../kernel/errors.js'
import { cgroupAt, freeze, thaw } from '../../primitives/cgroups/index.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { Container, Run } from './container.js'

export function pause(core: Core, container: Container): Promise<void> {
  return container.exclusively(async () => {
    const { run, id } = container
    if (container.status === 'restarting')
      throw new DrydockError(`Container ${id} is restarting, wait until the container is running`, { status: 409 })
    if (!run) throw new DrydockError(`Container ${id} is not running`, { status: 409 })
    if (run.paused) throw new DrydockError(`Container ${id} is already paused`, { status: 409 })
    await freeze(cgroupAt(id, core.machine.cgroups))
    run.paused = true
    core.events.publish({ Type: 'container', Action: 'pause', ID: id, Attributes: attributesOf(container) })
  })
}

export function unpause(core: Core, container: Container): Promise<void> {
  return container.exclusively(async () => {
    const { run, id } = container
    if (!run?.paused) throw new DrydockError(`Container ${id} is not paused`, { status: run ? 500 : 409 })
    await thawNow(core, container, run)
  })
}

/** Also by whoever wants it to end. */
export async function thawNow(core: Core, container: Container, run: Run): Promise<void> {
  if (!run.paused) return
  run.paused = false
  await thaw(cgroupAt(container.id, core.machine.cgroups))
  core.events.publish({ Type: 'container', Action: 'unpause', ID: container.id, Attributes: attributesOf(container) })
}
