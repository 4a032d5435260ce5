/** A bottle's part of the cgroup tree. */
import type { Ref, Step } from '../kernel/step.js'

export interface BottleCgroup {
  readonly prepare: readonly Step[]
  readonly confine: readonly Step[]
  /** On cgroup v2: the descriptor of the directory that the bottle is born in. */
  readonly bornInside: Ref | undefined
  /** Whether the bottle has a cgroup namespace of its own. */
  readonly namespace: boolean
  mounts(root: string): Step[]
}

export function bottleCgroup(_id: string, _rootless: boolean): BottleCgroup {
  return { prepare: [], confine: [], bornInside: undefined, namespace: false, mounts: () => [] }
}
