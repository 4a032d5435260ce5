/**
 * The ids that containers and the files of images have on this host, for all of this process: as they are for the machine's own root, mapped for everybody
 * else, and for a root who wants it so (`drydock daemon --userns-remap`), whose containers' root is then a user outside who owns nothing but their files.
 */
import { chmodSync, chownSync } from 'node:fs'
import { isMachineRoot } from '../kernel/proc/idmap.js'
import { type IdmapPlan, type IdmapSpec, planIdmap } from './idmap.js'

let remapped: IdmapPlan | undefined

/** From here on root's containers have these ids. Once, before there is anything of theirs. */
export function remapIds(plan: IdmapPlan): void {
  remapped = plan
}

/** Undefined: an id inside is the same outside. */
export const ownIdmap = (): IdmapPlan | undefined => remapped ?? (isMachineRoot() ? undefined : planIdmap())

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Who outside is root inside, where that is not this process's own user: what root inside is to own has to be given to that one. */
export function rootOutside(map: IdmapSpec | undefined): Owner | undefined {
  if (map?.method !== 'root') return undefined
  const outside = (ranges: IdmapSpec['uids']) => ranges.find(({ inside }) => inside === 0)?.outside ?? 0
  const [uid, gid] = [outside(map.uids), outside(map.gids)]
  return uid === 0 && gid === 0 ? undefined : { uid, gid }
}

/** A directory or file that was just made becomes that one's. The mode once more: a directory below one that passes its group on does so too. */
export function giveToRoot(path: string, mode: number, root: Owner | undefined = rootOutside(remapped)): void {
  if (!root) return
  chownSync(path, root.uid, root.gid)
  chmodSync(path, mode)
}
