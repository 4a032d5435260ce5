/**
 * Another userland for a bottle: a directory with programs, the libraries that they need, and an os-release of its own. It is put together
 * from this machine's own files, so that it needs no network; what is in it hardly matters, as long as it is not what is around it.
 */
import type { Bottle } from '../../lib/bottle.js'
import { buildUserland } from '../../lib/image/host/index.js'
import { chdir, chroot, mkdir, mount, pivot_root, type Step, umount2 } from '../../lib/index.js'

/** Where scenes put it: a directory of the bottle's root mount, and no mount itself. */
export const WORLD = '/world'

/** What it says that it is. */
export const WORLD_NAME = 'Atlantis Linux'

const PROGRAMS = ['sh', 'cat', 'grep', 'ls', 'mkdir', 'ps', 'rm', 'sleep', 'touch', 'uname'] as const

export function makeWorld(bottle: Bottle, place = WORLD): void {
  buildUserland(bottle.hostPath(place), { name: WORLD_NAME, programs: PROGRAMS })
}

/** From the host's tree into `root`, which must be a mount point: the three calls, and a chdir, that lesson 4 explains. */
export const leaveFor = (root: string): Step[] => [
  chdir(root, { why: 'to the new root; from here on “.” is its name' }),
  pivot_root('.', '.', { why: 'it becomes “/”; the old root lies on top of it' }),
  umount2('.', ['detach'], { why: 'and is taken away' }),
  chdir('/', { why: '“.” is a directory of the new tree again' }),
]

/** All of it, for scenes to which it is no news: mounts private, a mount of its own for the directory, and in. */
export const enter = (root: string): Step[] => [
  mount(null, '/', null, ['rec', 'private']),
  mount(root, root, null, ['bind', 'rec']),
  ...leaveFor(root),
]

/** The way out of a chroot, as a prisoner goes it who stands at the root: `hole` is a directory there. */
export const climb = (hole: string, rungs = 3): Step[] => [
  mkdir(hole, 0o755, { allow: ['EEXIST'] }),
  chroot(hole),
  ...Array.from({ length: rungs }, () => chdir('..')),
  chroot('.'),
]
