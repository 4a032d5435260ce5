/** The images that the registry is filled with. All are made of the packages of this machine's own distribution, so that no other server is needed. */
import { type Distribution, foreignReleases } from './apt.js'
import { otherRelease } from './releases.js'
import { busybox, lifeboat } from './small.js'
import type { Made, Workshop } from './workshop.js'

export interface Recipe {
  /** The repository: Docker's own short names are those of `library`. */
  readonly name: string
  readonly what: string
  /** Tags, one of which means that it is there. */
  readonly tags: readonly string[]
  make(workshop: Workshop): Promise<Made>
}

/** On a machine of another family nothing can be made; the names are those that an earlier start, or somebody's push, may have left. */
export function recipes(distribution: Distribution = { id: 'debian', codename: '' }): readonly Recipe[] {
  return [
    { name: 'library/busybox', what: 'one program that is two hundred, and no apt', tags: ['latest'], make: busybox },
    { name: 'library/lifeboat', what: 'busybox, and rpm for its package manager', tags: ['latest'], make: lifeboat },
    {
      name: `library/${distribution.id}`,
      what: 'another release than this machine’s',
      tags: foreignReleases(distribution),
      make: otherRelease,
    },
  ]
}
