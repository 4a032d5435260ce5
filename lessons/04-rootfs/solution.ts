/** Solutions of lesson 4. Others are just as good: the checks look at what is there in the end, not at the way. */
import {
  chdir,
  chroot,
  clone,
  close,
  mkdir,
  mount,
  mount_setattr,
  open,
  pivot_root,
  ref,
  type Step,
  umount2,
  unlink,
  write,
} from '../../lib/index.js'

/** Out of the bottle's groups: what is mounted from here on stays with the child. */
const alone = mount(null, '/', null, ['rec', 'private'])

/** The root goes down, the prisoner stays above it, walks up past nothing, and has the root follow. */
export function breakOut({ name }: { prison: string; name: string }): Step[] {
  return [mkdir(name), chroot(name), chdir('..'), chdir('..'), chroot('.')]
}

/** The directory becomes a mount, the mount becomes the root, and what lies on it then is taken off. */
export function ownRoot({ root }: { root: string }): Step[] {
  return [
    clone('mnt'),
    alone,
    mount(root, root, null, ['bind', 'rec']),
    chdir(root),
    pivot_root('.', '.'),
    umount2('.', ['detach']),
    chdir('/'),
  ]
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

/** The top of the stack comes first; and everything after the mount goes through it. */
export function layers({ first, second, upper, work, merged, gone, changed, line }: Layers): Step[] {
  return [
    mount('overlay', merged, 'overlay', [], `lowerdir=${first}:${second},upperdir=${upper},workdir=${work}`),
    unlink(`${merged}/${gone}`),
    open(`${merged}/${changed}`, ['wronly', 'append'], { keep: 'file' }),
    write(ref('file'), `${line}\n`),
    close(ref('file')),
  ]
}

/** One call shows it, another sets what it may be used for, on all its mounts. */
export function readOnlyVolume({ volume, place }: { volume: string; place: string }): Step[] {
  return [clone('mnt'), alone, mount(volume, place, null, ['bind', 'rec']), mount_setattr(place, { set: ['rdonly'], recursive: true })]
}
