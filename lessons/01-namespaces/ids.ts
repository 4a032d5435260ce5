/** Which ids there are in a bottle: all of them, those of /etc/subuid, or a single one. */
import type { Bottle } from '../../lib/bottle.js'
import { type IdRange, readIdMaps, toOutside } from '../../lib/kernel/proc/idmap.js'

const rangesOf = (bottle: Bottle): readonly IdRange[] => readIdMaps(bottle.pid)?.uid ?? []

/** Has the bottle more than one user? */
export const severalIds = (bottle: Bottle) => rangesOf(bottle).reduce((sum, { count }) => sum + count, 0) > 1

/** An id that exists in the bottle and that nobody is likely to have; 0 when there is no other. */
export function spareId(bottle: Bottle): number {
  const largest = [...rangesOf(bottle)].sort((one, other) => other.count - one.count)[0]
  if (!largest || largest.count < 2) return 0
  const room = Math.min(largest.count, 65536)
  return largest.inside + Math.floor(room / 2) + Math.floor((Math.random() * room) / 2)
}

/** What an id of the bottle is on this machine; undefined when the bottle does not have it. */
export const onThisMachine = (bottle: Bottle, id: number) => toOutside(rangesOf(bottle), id)
