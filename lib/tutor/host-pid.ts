/** Where a box stands: in a bottle, or on this very host (`drydock run --step`); and which process here is number n there. */
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'

/** What the tutor needs of the place where a box's shim runs. */
export type Place = Pick<Bottle, 'hostPid' | 'pid' | 'shim' | 'terminal'> & {
  /** For people: `bottle`, `host`. */
  readonly kind: string
  /** Where there are several: the name of this one. */
  readonly name?: string
}

type Named = Pick<Place, 'kind' | 'name'>

/** Undefined where there is one only. */
export const ownName = ({ kind, name }: Named): string | undefined => (name === kind ? undefined : name)

/** As a part of a sentence: `the bottle`, `vm-1`. */
export const inWords = (place: Named): string => ownName(place) ?? `the ${place.kind}`

/** The host's pid of the process that the place knows as `pid`. Throws when there is none any more. */
export function hostPidOf(place: Pick<Place, 'hostPid' | 'kind'>, pid: number): number {
  const found = place.hostPid(pid)
  if (found === undefined) throw new DrydockError(`there is no process ${pid} in the ${place.kind} any more`)
  return found
}
