/** What of namespaces and mounts works for this user: not guessed from settings but tried, each in a process that ends with the trial. */
import { mount } from '../kernel/calls/mounts.js'
import { clone3 } from '../kernel/calls/process.js'
import type { Result } from '../kernel/result.js'
import { showOutcome } from '../kernel/show.js'
import { Spawner } from '../kernel/spawner.js'
import type { Step } from '../kernel/step.js'

/** 'yes', or what the kernel answered. */
export type NamespaceTrial = () => Promise<string>

/** A process in a new user namespace that changes a mount of its own. */
export const tryUserNamespace: NamespaceTrial = () =>
  trial([clone3(['user', 'mnt']), mount(null, '/', null, ['rec', 'private'])], ({ status }) => status !== 'ok')

/** The same for an overlay of two directories that every machine has. Whether just these two can be layered does not matter. */
export const tryOverlayMount: NamespaceTrial = () =>
  trial(
    [
      clone3(process.geteuid?.() === 0 ? ['mnt'] : ['user', 'mnt']),
      mount(null, '/', null, ['rec', 'private']),
      mount('overlay', '/proc', 'overlay', ['rdonly'], 'lowerdir=/etc:/usr', { allow: ['EINVAL', 'ELOOP', 'ESTALE', 'EACCES'] }),
    ],
    ({ status }) => status === 'failed' || status === 'not run',
  )

async function trial(steps: readonly Step[], stopped: (result: Result) => boolean): Promise<string> {
  const spawner = await Spawner.start()
  try {
    const shim = await spawner.shim()
    try {
      const failed = (await shim.attempt(steps)).find(stopped)
      return failed ? `${failed.step.call}: ${showOutcome(failed)}` : 'yes'
    } finally {
      await shim.rollback()
    }
  } finally {
    await spawner.close()
  }
}
