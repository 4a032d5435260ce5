/** What changes with every try at an exercise, so that nothing can be prepared. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from './lesson.js'

const NAMES = [
  'albatross', 'anchor', 'barnacle', 'beacon', 'bosun', 'brig', 'capstan', 'clipper', 'cormorant', 'cutter', 'dinghy', 'dolphin',
  'ferry', 'frigate', 'galley', 'gannet', 'halyard', 'harbour', 'heron', 'jetty', 'kelp', 'ketch', 'lantern', 'limpet', 'lugger',
  'marlin', 'narwhal', 'oyster', 'pelican', 'petrel', 'pilot', 'porpoise', 'quay', 'rudder', 'schooner', 'seal', 'sextant', 'skiff',
  'sloop', 'tern', 'tiller', 'trawler', 'turtle', 'walrus', 'whale', 'wherry',
] // biome-ignore format: a list of words

/** Unpredictable; `random.name()` cannot have been known to any file before. */
export const random: Random = {
  name: () => `${NAMES[randomInt(NAMES.length)]}-${randomBytes(2).toString('hex')}`,
  integer(low, high) {
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low > high) {
      throw new RangeError(`no whole number lies from ${low} to ${high}`)
    }
    return randomInt(low, high + 1)
  },
  pick(values) {
    if (values.length === 0) throw new RangeError('nothing to pick from')
    return values[randomInt(values.length)] as (typeof values)[number]
  },
}
