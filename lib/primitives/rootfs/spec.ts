/** What a root file system is made of, and what is no such thing. */
import { DrydockError } from '../../kernel/errors.js'
import type { CgroupDirectory } from '../cgroups/index.js'
import type { DeviceNode } from './devices.js'
import type { PresentPath } from './masks.js'
import type { OtherMount } from './others.js'

/** Where the container's files come from. All paths are the host's: absolute, without symbolic links in them. */
export type Root =
  /** A directory as it is. What the container writes is written there. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Layers under one that takes the writes: Documentation/filesystems/overlayfs.rst of the kernel. */
  | {
      readonly kind: 'overlay'
      /** Directories that are only read, the top one first; 500 at most. */
      readonly lower: readonly string[]
      readonly upper: string
      /** An empty directory on the file system of `upper`, for the kernel's own use. */
      readonly work: string
      /** An existing empty directory: the mount point. Only the container sees what is mounted there. */
      readonly target: string
      /** Keep overlay's notes in `user.` attributes; needed in a user namespace, and the default with `rootless`. */
      readonly userxattr?: boolean
    }

export type Propagation = 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared'

export interface MountSpec {
  readonly kind: 'bind' | 'tmpfs'
  /** bind: a path of the host. It is looked up once, and what it names then is what is mounted. */
  readonly source?: string
  /** bind: what the source is; a plan cannot look. Default: directory. */
  readonly sourceKind?: 'file' | 'directory'
  /** bind: a path within the source, whose links lead nowhere out of it. */
  readonly subpath?: string
  /** bind: in place of the source a file system in memory that is made now, with these options (`size=1m`, `mode=700`, `noexec`). */
  readonly memory?: readonly string[]
  /** bind: in place of the source what another container has mounted for it. */
  readonly of?: OtherMount
  /** A path inside. What is missing of it is made, owned by root, with mode 0755. */
  readonly target: string
  /** With everything that is mounted below the source, if `recursive`. */
  readonly readOnly?: boolean
  /** bind: whether mounts made later below the source arrive inside (slave), and those made inside arrive there (shared). Default: rprivate. */
  readonly propagation?: Propagation
  /** bind: with everything that is mounted below the source. Default: true; a user namespace allows nothing else where something is. */
  readonly recursive?: boolean
  /** Words such as noexec, and for a tmpfs `size=64m`, `mode=1777`, `uid=`, `gid=`, `nr_inodes=`. A tmpfs is nosuid, nodev, noexec unless told suid, dev, exec. */
  readonly options?: readonly string[]
}

/** A file of the host that stands for one in /etc. */
export interface FileSpec {
  readonly source: string
  readonly target: string
  readonly readOnly?: boolean
}

/** How the kernel's own files look: /proc, /sys, /dev. */
export interface KernelFilesSpec {
  /** All nodes of /dev. Default: `DEFAULT_DEVICE_NODES`. */
  readonly devices?: 'default' | readonly DeviceNode[]
  /** Size of /dev/shm in bytes. Default: 64 MiB, as Docker's. */
  readonly shmSize?: number
  /** Group of new terminals. Default: 5, which is `tty` everywhere; none when `rootless`, where 5 need not be mapped. */
  readonly ttyGroup?: number
  /** /sys can be written (a privileged container). */
  readonly sysWritable?: boolean
  /** The ipc namespace is the host's, and so are /dev/shm and /dev/mqueue; or it is that of a process, whose /dev/shm is shared with it. */
  readonly sharedIpc?: boolean | { readonly pid: number }
  /** There is no /dev/shm. */
  readonly noShm?: boolean
  /** The network namespace is the host's. Matters with `rootless`: who does not own it cannot mount its sysfs, and gets the host's. */
  readonly sharedNet?: boolean
  /** A sysfs that the host has made, kept under this name: of a network that belongs to another user namespace. */
  readonly sysfs?: string
  /** The pid namespace is the host's. Matters with `rootless`, for proc. */
  readonly sharedPid?: boolean
  /** All of this happens in a user namespace, the container's own or the one drydock runs in: no mknod there. */
  readonly rootless?: boolean
}

export interface RootfsSpec extends KernelFilesSpec {
  /** A string is a directory. */
  readonly root: Root | string
  /** No writes to `/`. What is mounted on it (/dev, volumes) is not meant by this. */
  readonly readOnly?: boolean
  /** Volumes. Their order does not matter: what lies deeper is mounted later. */
  readonly mounts?: readonly MountSpec[]
  /** hosts, hostname, resolv.conf. A volume with the same target takes the place of one. */
  readonly files?: readonly FileSpec[]
  /** Paths of the host may be closed to who is root inside: what is bound is opened by the host's side. */
  readonly closed?: boolean
  /** A directory inside that is made when it is missing, as mount points are: where the program will start. */
  readonly workingDirectory?: string
  /** Paths that the container may not read. Default: Docker's; `presentPaths` leaves out what this kernel has not got. */
  readonly maskedPaths?: readonly (string | PresentPath)[]
  /** Paths that the container may not write. Default: Docker's. */
  readonly readOnlyPaths?: readonly string[]
  /** What to show at /sys/fs/cgroup. Default: nothing. */
  readonly cgroup?: 'none' | CgroupView
}

export interface CgroupView {
  /** The container's place in each hierarchy: `cgroups(…).cgroup`. */
  readonly hierarchies: readonly CgroupDirectory[]
  /** The container has a cgroup namespace, so that a cgroup file system shows its own part only. Default: true. */
  readonly namespace?: boolean
  readonly writable?: boolean
}

/** Throws one sentence about the first thing that cannot be. */
export function checkSpec(spec: RootfsSpec, maskedPaths: readonly string[], readOnlyPaths: readonly string[]): void {
  const root = typeof spec.root === 'string' ? { kind: 'directory' as const, path: spec.root } : spec.root
  const ofHost = root.kind === 'directory' ? [root.path] : [...root.lower, root.upper, root.work, root.target]
  for (const path of [...ofHost, ...maskedPaths, ...readOnlyPaths]) checkAbsolute(path)
  if (ofHost.includes('/')) throw new DrydockError("the host's own / cannot be a container's root: name a directory that holds its files")
  if (root.kind === 'overlay' && root.lower.length === 0) {
    throw new DrydockError('an overlay needs a layer to lie over: `lower` names no directory')
  }
  if (root.kind === 'overlay' && root.lower.length > 500) {
    throw new DrydockError(`overlay takes 500 layers at most (OVL_MAX_STACK of the kernel); this image has ${root.lower.length}`)
  }
}

function checkAbsolute(path: string): void {
  if (!path.startsWith('/') || path.split('/').includes('..')) {
    throw new DrydockError(`a path of the root file system is absolute and has no '..' in it; '${path}' is not`)
  }
}

/** The parts of a path inside, `/var//lib/` as ['var', 'lib']. */
export function componentsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (!path.startsWith('/') || parts.includes('..') || path.includes('\0')) {
    throw new DrydockError(`the target of a mount is an absolute path inside the container, without '..'; '${path}' is not`, {
      status: 400,
    })
  }
  return parts
}
