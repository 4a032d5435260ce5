/**
 * Removing a tree that came out of an image: of any depth, with devices and links that lead anywhere, and for an ordinary user with files that belong to ids
 * which that user is only inside of a user namespace.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { remove_tree } from '../../kernel/calls/files.js'
import { clone } from '../../kernel/calls/process.js'
import { errnoOf } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { withLoneShim } from '../../kernel/lone.js'
import type { Result } from '../../kernel/result.js'
import type { Shim } from '../../kernel/shim.js'
import { container, host } from '../../kernel/step.js'
import { type IdmapSpec, idmap } from '../../primitives/idmap.js'
import { runHelpers } from '../../primitives/idmap-helpers.js'
import { ownIdmap } from '../../primitives/own-ids.js'

/** How often, and how many milliseconds apart, what somebody still writes to is tried again. */
const ATTEMPTS = 20
const PAUSE = 25

/** They are gone, or were not there. The process that filled one may have been killed just now and be on its way out: it is waited for. */
export async function removeTrees(paths: readonly string[], map: IdmapSpec | undefined = ownIdmap()): Promise<void> {
  if (paths.length === 0) return
  const failed = await withLoneShim(async (shim) => {
    // With one id everything is one's own.
    const inside = map?.method === 'newuidmap'
    if (inside) await enterOwn(shim, map)
    for (let attempt = 1; ; attempt++) {
      const steps = paths.map((path) => remove_tree(path, { allow: ['ENOENT', 'ENOTEMPTY', 'EBUSY'] }))
      const results = await shim.attempt(inside ? container(steps) : host(steps))
      const index = results.findIndex(({ errno }) => errno !== 0 && nameOf(errno) !== 'ENOENT')
      if (index < 0) return undefined
      const { status, errno } = results[index] as Result
      if (status === 'failed' || attempt === ATTEMPTS) return `${paths[index]} cannot be removed: ${nameOf(errno)}`
      await sleep(PAUSE)
    }
  })
  if (failed !== undefined) throw new DrydockError(failed)
}

const nameOf = (errno: number): string => errnoOf(errno).name

async function enterOwn(shim: Shim, map: IdmapSpec): Promise<void> {
  await shim.run([clone('user')])
  await runHelpers(map, shim.childPid as number, 'the layers')
  await shim.run(idmap(map).steps)
}
