/** A container goes, with all that is its own. */
import { dirname } from 'node:path'
import { unmakeContainer } from '../../container/staged.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import { isHeld, type MountedVolume, publishVolume, volumesIn } from '../volume/index.js'
import type { Container } from './container.js'
import { kill } from './stop.js'

const SIGKILL = 9

export interface RemoveOptions {
  /** With the volumes that were made for it and have no name. */
  readonly volumes?: boolean
  readonly force?: boolean
  /** It is on its way already, by whoever calls. */
  readonly already?: boolean
}

export async function remove(
  core: Core,
  container: Container,
  { volumes = false, force = false, already = false }: RemoveOptions = {},
): Promise<void> {
  if (container.doomed === 'removing' && !already) {
    if (!force) throw new DrydockError(`removal of container ${container.name} is already in progress`, { status: 409 })
    return container.removed
  }
  if (!already) refuseWhileRunning(container, force)
  for (;;) {
    // A start that is under way comes first; one that comes later finds it doomed.
    if (!already) await container.exclusively(async () => undefined)
    container.backoff?.cancel()
    if (!container.run) break
    if (!already) refuseWhileRunning(container, force)
    await kill(core, container, SIGKILL)
    await container.ended
  }
  if (container.doomed === 'removing' && !already) return container.removed
  container.doomed = 'removing'
  await container.exclusively(() => removeNow(core, container, { volumes }))
}

function refuseWhileRunning(container: Container, force: boolean): void {
  const { status, name } = container
  if (force) return
  const refuse = (why: string) => new DrydockError(`cannot remove container "${name}": container is ${why}`, { status: 409 })
  if (status === 'paused') throw refuse('paused and must be unpaused first')
  if (status === 'running') throw refuse('running: stop the container before removing or force remove')
  if (status === 'restarting') throw refuse('restarting: stop the container before removing or force remove')
}

/** Those without a name that were made for it, and that no other container has taken over (--volumes-from). */
function ownVolumes(core: Core, container: Container): MountedVolume[] {
  const own = volumesIn(container.record).filter((volume) => volume.own)
  if (own.length === 0) return []
  const others = core.containers.all().filter(({ id }) => id !== container.id)
  const taken = new Set(others.flatMap(({ record }) => volumesIn(record).map(({ source }) => source)))
  return own.filter(({ source }) => !taken.has(source) && !isHeld(source))
}

/** One that does not run; by whoever has it exclusively. */
export async function removeNow(core: Core, container: Container, { volumes = false }: RemoveOptions): Promise<void> {
  const attributes = attributesOf(container)
  container.doomed = 'removing'
  try {
    const own = volumes ? ownVolumes(core, container) : []
    const steps = unmakeContainer(
      container.layout,
      own.map(({ source }) => dirname(source)),
    )
    await core.clerks.run(steps)
    core.containers.remove(container)
    for (const { name } of own) publishVolume(core.events, 'destroy', name)
  } catch (error) {
    container.doomed = 'dead'
    throw new DrydockError(`container ${container.id} cannot be removed: ${sentenceOf(error)}`, { cause: error, status: 500 })
  }
  core.events.publish({ Type: 'container', Action: 'destroy', ID: container.id, Attributes: attributes })
  container.hasGone()
}
