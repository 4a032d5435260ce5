/** A container stands still, and runs on: freezer (cgroup v1) or cgroup.freeze (v2). */
import { existsSync } from 'node:fs'
import { cgroupPath } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { cgroupAt, freeze, thaw } from '../../primitives/cgroups/index.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { Container, Run } from './container.js'

const conflict = (why: string): DrydockError => new DrydockError(why, { status: 409 })

export function pause(core: Core, container: Container): Promise<void> {
  return container.exclusively(async () => {
    const { run, id, status } = container
    if (status === 'restarting') throw conflict(`Container ${id} is restarting, wait until the container is running`)
    if (!run || run.killed) throw conflict(`Container ${id} is not running`)
    if (run.paused) throw conflict(`Container ${id} is already paused`)
    const { endings } = run
    // What is killed while it stands still stands too.
    await core.health.ends(container)
    await whileItRuns(container, run, () => freeze(cgroupAt(cgroupPath(container.record.spec), core.machine.cgroups))).catch((error) => {
      core.health.resumes(container)
      throw error
    })
    run.paused = true
    tell(core, container, 'pause')
    // Who was to be killed meanwhile would not hear of it.
    if (run.endings !== endings) await thawNow(core, container, run)
  })
}

export function unpause(core: Core, container: Container): Promise<void> {
  return container.exclusively(async () => {
    const { run, id } = container
    if (!run?.paused) throw conflict(`Container ${id} is not paused`)
    await thawNow(core, container, run)
  })
}

/** Also by whoever wants it to end. */
export async function thawNow(core: Core, container: Container, run: Run): Promise<void> {
  if (!run.paused) return
  run.paused = false
  tell(core, container, 'unpause')
  // One that ends now has run on.
  await whileItRuns(container, run, () => thaw(cgroupAt(cgroupPath(container.record.spec), core.machine.cgroups))).catch((error) => {
    if (container.run === run) throw error
  })
  core.health.resumes(container)
}

/** The cgroup goes when the container ends, which is no failure of its own. */
async function whileItRuns(container: Container, run: Run, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (container.run === run && existsSync(`/proc/${run.line.pid}`)) throw error
    await run.settled
    throw conflict(`Container ${container.id} is not running`)
  }
}

function tell(core: Core, container: Container, action: string): void {
  core.events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributesOf(container) })
}
