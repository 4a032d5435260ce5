/** A container that stands still for a while: with its processes frozen nothing of it changes. */
import { DrydockError } from '../kernel/errors.js'
import { OWN_CGROUP } from '../kernel/places.js'
import { type Cgroup, cgroupOf, freeze, isFrozen, thaw } from '../primitives/cgroups/index.js'

export interface Standing {
  /** Its first process; undefined: it does not run, and so stands. */
  readonly pid: number | undefined
  readonly warn: (sentence: string) => void
  /** When all of them stand, and when they go on. */
  readonly onPause?: () => void
  readonly onUnpause?: () => void
}

/** With the container's processes frozen, if it runs, nobody has frozen it before, and it can be. */
export async function standing<T>({ pid, warn, onPause, onUnpause }: Standing, act: () => Promise<T>): Promise<T> {
  const cgroup = (pid === undefined ? undefined : cgroupOf(pid))?.filter(({ path }) => path.includes(`/${OWN_CGROUP}/`))
  if (!cgroup || !(await stands(cgroup, warn))) return act()
  try {
    onPause?.()
    return await act()
  } finally {
    await thaw(cgroup)
    onUnpause?.()
  }
}

/** False when it stood already, or cannot: an ordinary user has no cgroup to freeze. */
async function stands(cgroup: Cgroup, warn: Standing['warn']): Promise<boolean> {
  try {
    if (isFrozen(cgroup)) return false
    await freeze(cgroup)
    return true
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    warn(`the container runs on meanwhile: ${error.message}`)
    return false
  }
}
