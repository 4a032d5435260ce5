/**
 * Your part of lesson 4. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this
 * file, and looks in the kernel for what has become of roots, mounts and files. Names are new at every try and come as the argument.
 *
 * The shim makes the steps up to `clone`; the child that it has cloned makes the others. The tools of this lesson:
 *
 *     chroot(path)     chdir(path)     mkdir(path)
 *     mount(source, target, type, flags, options)     for a bind mount `type` is null, and the flags are ['bind', 'rec']
 *     mount_setattr(path, { set: ['rdonly'], recursive: true })
 *     pivot_root(new_root, put_old)     umount2(path, ['detach'])
 *     open(path, ['wronly', 'append'], { keep: 'file' })     write(ref('file'), 'text')     close(ref('file'))     unlink(path)
 */
import { chdir, chroot, clone, mkdir, mount, type Step } from '../../lib/index.js'

/**
 * You are in prison: a child is there already, its root is the directory `prison` of the bottle, and it stands at its "/". These are its
 * steps (no `clone` is needed). In the end its root shall be the bottle's.
 */
export function breakOut({ prison, name }: { prison: string; name: string }): Step[] {
  console.log(`the prison: ${prison}; a name that is free: ${name}`)
  return [mkdir(name), chdir('..')]
}

/**
 * A process whose "/" is the directory `root` of the bottle, with nothing of the bottle's mounts left in its mount namespace, and none of its
 * own shared. The bottle's mounts are shared, and shall not change.
 *
 * Here the root pointer is where it should be, and the tree around it is the old one.
 */
export function ownRoot({ root }: { root: string }): Step[] {
  console.log(`the new root: ${root}`)
  return [clone('mnt'), chroot(root), chdir('/')]
}

interface Layers {
  first: string
  second: string
  upper: string
  work: string
  merged: string
  both: string
  gone: string
  changed: string
  line: string
}

/**
 * An overlay on the directory `merged`, of the layers `first` and `second`, with `upper` and `work`; the file `both` in it is that of `first`.
 * Through it the file `gone` is deleted, and `changed` gets a last line `line`.
 */
export function layers({ first, second, upper, work, merged, both, gone, changed, line }: Layers): Step[] {
  console.log(`layers: ${[first, second, upper, work].join(' ')}; files: ${[both, gone, changed].join(' ')}; the line: ${line}`)
  return [mount('overlay', merged, 'overlay', ['rdonly'], `lowerdir=${second}:${first}`)]
}

/**
 * A process that sees the directory `volume` at `place`, with everything that is mounted in it, and all of it read-only. The bottle's mounts
 * are shared, and shall not change.
 */
export function readOnlyVolume({ volume, place }: { volume: string; place: string }): Step[] {
  console.log(`${volume} shall be seen at ${place}`)
  return [clone('mnt')]
}
