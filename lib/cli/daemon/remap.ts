/** `--userns-remap`: all that this daemon keeps is in a data root of its own, since files of images belong to other users in it. */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { isMachineRoot } from '../../kernel/proc/idmap.js'
import { type Owner, remapIds, rootOutside } from '../../primitives/own-ids.js'
import { planRemap } from '../../primitives/remap-plan.js'

/** From here on in this process containers and files of images have those ids. Returns the data root, DATA_ROOT/UID.GID as Docker names it. */
export function remap(word: string, dataRoot: string): string {
  if (!isMachineRoot()) {
    throw new DrydockError('--userns-remap is for a daemon of root: an ordinary user’s containers are in user namespaces anyway', {
      status: 400,
    })
  }
  const plan = planRemap(word)
  const { uid, gid } = rootOutside(plan) as Owner
  const own = join(dataRoot, `${uid}.${gid}`)
  mkdirSync(own, { recursive: true, mode: 0o711 })
  // Root inside passes through as one of the group, and all that is made below it belongs to the group too (inode(7), set-group-ID).
  chownSync(own, 0, gid)
  chmodSync(own, 0o2710)
  checkReachable(own, gid)
  remapIds(plan)
  return own
}

/** Root inside has to get there, who is nobody on the way. In Docker's words. */
function checkReachable(path: string, gid: number): void {
  for (let at = path; at !== '/'; at = dirname(at)) {
    const found = statSync(at)
    if (found.mode & (found.gid === gid ? 0o010 : 0o001)) continue
    throw new DrydockError(
      `a subdirectory in your data root's path (${at}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
      { status: 400 },
    )
  }
}
