/**
 * The container's own tree of files: its root, /proc, /sys, /dev, and the way out of the host's tree.
 * mount_namespaces(7), pivot_root(2), and the OCI runtime specification's "default filesystems" (config-linux.md).
 */
import { statSync } from 'node:fs'
import { close, mkdir, open, symlink } from '../kernel/calls/files.js'
import { mount, pivot_root, umount2 } from '../kernel/calls/mounts.js'
import { chdir } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { type Fragment, inPhase, ref, type Step } from '../kernel/step.js'

export interface RootfsSpec {
  /** A directory of the host that becomes `/`: absolute, without symbolic links in it. */
  readonly root: string
  /** No writes to `/`. What is mounted on it (/dev, /proc, volumes) is not meant by this. */
  readonly readOnly?: boolean
  /** Paths that the container may not read. Default: Docker's; `presentPaths` leaves out what this kernel has not got. */
  readonly maskedPaths?: readonly (string | PresentPath)[]
  /** Paths that the container may not write. Default: Docker's. */
  readonly readOnlyPaths?: readonly string[]
}

/** Files of /proc and /sys that tell about the host and are not in any namespace; Docker's list (docker inspect, MaskedPaths). */
export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

/** Switches of the whole kernel; Docker's list (docker inspect, ReadonlyPaths). */
export const READ_ONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** A path whose kind is known beforehand: /proc and /sys are the same kernel's inside and outside. */
export interface PresentPath {
  readonly path: string
  readonly kind: 'file' | 'directory'
}

/** Those of the paths that exist on this machine, with their kind: a mask needs one step then, and not two tries. */
export function presentPaths(paths: readonly string[]): PresentPath[] {
  return paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? [{ path, kind: found.isDirectory() ? ('directory' as const) : ('file' as const) }] : []
  })
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const

/** /proc entries come and go with the kernel's configuration; what is not there needs no mask. */
const MAY_BE_ABSENT = ['ENOENT', 'ENOTDIR', 'EACCES'] as const

/** The steps of the phases mounts, root and mask. */
export function rootfs(spec: RootfsSpec): Fragment {
  const { root, readOnly = false, maskedPaths = MASKED_PATHS, readOnlyPaths = READ_ONLY_PATHS } = spec
  for (const path of [root, ...maskedPaths.map(pathOf), ...readOnlyPaths]) {
    if (!path.startsWith('/') || path.split('/').includes('..')) {
      throw new DrydockError(`a path of the root file system is absolute and has no '..' in it; '${path}' is not`)
    }
  }
  if (root === '/') throw new DrydockError("the host's own / cannot be a container's root: name a directory that holds its files")
  const steps = [
    ...inPhase('mounts', 'container', [...ownTree(root), ...kernelFiles(root), ...devices(root)]),
    ...inPhase('root', 'container', leaveHost(root)),
    ...inPhase('mask', 'container', [...mask(maskedPaths), ...protect(readOnlyPaths), ...(readOnly ? [remountReadOnly('/')] : [])]),
  ]
  return { primitive: 'rootfs', title: `Root file system: ${root}${readOnly ? ', read-only' : ''}`, steps }
}

function ownTree(root: string): Step[] {
  return [
    mount(null, '/', null, ['rec', 'private'], null, {
      why: 'A new mount namespace starts as a copy that still echoes: nothing mounted from here on reaches the host.',
    }),
    mount(root, root, null, ['bind', 'rec'], null, { why: 'pivot_root wants a mount point, and a plain directory is none.' }),
    // The working directory keeps hold of the new root while mounts are laid on it.
    chdir(root, { why: 'The steps from here on name the root’s files from within.' }),
  ]
}

function kernelFiles(root: string): Step[] {
  return [
    mount('proc', `${root}/proc`, 'proc', ['nosuid', 'nodev', 'noexec'], null, {
      why: 'A proc shows the processes of the pid namespace that mounts it.',
    }),
    mount('sysfs', `${root}/sys`, 'sysfs', ['nosuid', 'nodev', 'noexec', 'rdonly'], null, {
      why: 'And a sysfs the devices of the network namespace that mounts it.',
    }),
  ]
}

function devices(root: string): Step[] {
  const dev = `${root}/dev`
  const steps: Step[] = [
    mount('tmpfs', dev, 'tmpfs', ['nosuid', 'strictatime'], 'mode=755,size=65536k', { why: 'An empty /dev: only what is put there now.' }),
  ]
  for (const name of DEVICES) {
    steps.push(
      open(`${dev}/${name}`, ['creat', 'wronly'], { mode: 0o666, keep: 'rootfs.device', why: `A place for /dev/${name}.` }),
      close(ref('rootfs.device')),
      mount(`/dev/${name}`, `${dev}/${name}`, null, ['bind'], null, {
        why: 'The host’s node, by a bind mount: mknod is refused in a user namespace.',
      }),
    )
  }
  steps.push(
    mkdir(`${dev}/pts`, 0o755),
    mount('devpts', `${dev}/pts`, 'devpts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=0620', {
      why: 'Terminals of its own, numbered from 0.',
    }),
    mkdir(`${dev}/shm`, 0o755),
    mount('shm', `${dev}/shm`, 'tmpfs', ['nosuid', 'nodev', 'noexec'], 'mode=1777,size=65536k', {
      why: 'Shared memory that is not the host’s.',
    }),
    mkdir(`${dev}/mqueue`, 0o755),
    mount('mqueue', `${dev}/mqueue`, 'mqueue', ['nosuid', 'nodev', 'noexec'], null, { why: 'Message queues of this ipc namespace.' }),
    symlink('pts/ptmx', `${dev}/ptmx`),
    symlink('/proc/self/fd', `${dev}/fd`),
    symlink('/proc/self/fd/0', `${dev}/stdin`),
    symlink('/proc/self/fd/1', `${dev}/stdout`),
    symlink('/proc/self/fd/2', `${dev}/stderr`),
  )
  return steps
}

function leaveHost(root: string): Step[] {
  return [
    chdir(root, { why: 'The bind mount, not the directory below it, is where “.” has to be.' }),
    pivot_root('.', '.', { why: 'The root becomes /, and the host’s tree is laid on top of it …' }),
    umount2('.', ['detach'], { why: '… and taken away: from here on no path leads to the host.' }),
    chdir('/', { why: 'And “.” is a directory of the new tree again.' }),
  ]
}

const pathOf = (path: string | PresentPath): string => (typeof path === 'string' ? path : path.path)

/**
 * A directory is covered by an empty one, a file by /dev/null. Which of the two a path is that nobody has looked at, the kernel tells
 * by refusing the other.
 */
function mask(paths: readonly (string | PresentPath)[]): Step[] {
  return paths.flatMap((one) => {
    const path = pathOf(one)
    const file = mount('/dev/null', path, null, ['bind'], null, { allow: MAY_BE_ABSENT, why: `${path}, if it is a file, reads as empty.` })
    const directory = mount('tmpfs', path, 'tmpfs', ['rdonly'], 'size=0', {
      allow: MAY_BE_ABSENT,
      why: `${path}, if it is a directory, looks empty.`,
    })
    if (typeof one === 'string') return [file, directory]
    return one.kind === 'file' ? [file] : [directory]
  })
}

function protect(paths: readonly string[]): Step[] {
  return paths.flatMap((path) => [
    mount(path, path, null, ['bind', 'rec'], null, { allow: MAY_BE_ABSENT, why: `${path} becomes a mount of its own …` }),
    { ...remountReadOnly(path), allow: [...MAY_BE_ABSENT, 'EINVAL'] },
  ])
}

/** The flags that a mount of proc has already must be said again: in a user namespace they are locked. */
function remountReadOnly(path: string): Step {
  const kept = path === '/' ? [] : (['nosuid', 'nodev', 'noexec'] as const)
  return mount(null, path, null, ['bind', 'remount', 'rdonly', ...kept], null, { why: '… that can be read-only.' })
}
