/** Drydock's own directories, which all its containers share: the last one below removes them. */
import { OWN_CGROUP } from '../../kernel/places.js'
import { StepError } from '../../kernel/result.js'
import { showStep } from '../../kernel/show.js'
import type { CgroupHost } from './detect.js'
import { removeDirectory } from './live.js'

/** Remove the directories that drydock has above its cgroups, where nothing is left in them; for whoever kept them (`keepParents`). */
export function removeParents(host: CgroupHost): void {
  for (const { base } of host.hierarchies) {
    for (let depth = host.parents.length; depth > 0; depth--) removeDirectory([base, ...host.parents.slice(0, depth)].join('/'))
  }
}

/**
 * Whether a plan failed because another container, the last one until then, removed the directory above just when this one was to
 * be made in it: between two mkdirs there is no lock. Nothing is wrong then; the plan can be run again in a fresh shim.
 */
export function lostParent(error: unknown): boolean {
  if (!(error instanceof StepError) || error.step.phase !== 'prepare') return false
  // ENODEV: what was open has lost its directory.
  return error.errno === 'ENODEV' || (error.errno === 'ENOENT' && showStep(error.step).includes(`/${OWN_CGROUP}`))
}
