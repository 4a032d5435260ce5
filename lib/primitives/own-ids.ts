/**
 * The ids that containers and the files of images have on this host, for all of this process: as they are for the machine's own root, mapped for everybody
 * else, and for a root who wants it so (`drydock daemon --userns-remap`), whose containers' root is then a user outside who owns nothing but their files.
 */
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { isMachineRoot, toOutside } from '../kernel/proc/idmap.js'
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
  const [uid = 0, gid = 0] = [toOutside(map.uids, 0), toOutside(map.gids, 0)]
  return uid === 0 && gid === 0 ? undefined : { uid, gid }
}

/** A new directory that is root's inside. The mode once more: a directory below one that passes its group on does so too. */
export function makeForRoot(path: string, mode: number): void {
  mkdirSync(path, { mode })
  const root = rootOutside(remapped)
  if (!root) return
  chownSync(path, root.uid, root.gid)
  chmodSync(path, mode)
}
