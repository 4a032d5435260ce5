/** /dev: a few harmless nodes, terminals and shared memory of its own. OCI runtime specification, config-linux.md, "Default Devices". */
import { chown, close, mkdir, mknod, symlink } from '../../kernel/calls/files.js'
import { mount, move_mount } from '../../kernel/calls/mounts.js'
import { DrydockError } from '../../kernel/errors.js'
import { ref, type Step } from '../../kernel/step.js'
import { topDirectory } from './attach.js'
import { takeOther } from './others.js'
import { componentsOf, type KernelFilesSpec } from './spec.js'
import { ownTmpfs } from './tmpfs.js'

export interface DeviceNode {
  /** Inside, below /dev. */
  readonly path: string
  readonly kind: 'char' | 'block' | 'fifo'
  readonly major: number
  readonly minor: number
  /** Permissions; 0o666 by default. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** The host's node of that number, which is bound where none can be made. Default: `path`. */
  readonly source?: string
}

const node = (name: string, major: number, minor: number): DeviceNode => ({ path: `/dev/${name}`, kind: 'char', major, minor })

/** Numbers of Documentation/admin-guide/devices.txt. */
export const DEFAULT_DEVICE_NODES: readonly DeviceNode[] = [
  node('null', 1, 3),
  node('zero', 1, 5),
  node('full', 1, 7),
  node('random', 1, 8),
  node('urandom', 1, 9),
  node('tty', 5, 0),
]

const TYPES = { char: 'ifchr', block: 'ifblk', fifo: 'ififo' } as const

/** Docker's size of /dev/shm, in bytes. */
const SHM_SIZE = 64 * 1024 * 1024

/** Group `tty` of every distribution, in which /dev/pts/N is created for write(1) and wall(1). */
const TTY_GROUP = 5

export function dev(spec: KernelFilesSpec): Step[] {
  const { devices = 'default', rootless = false, sharedIpc = false } = spec
  const group = spec.ttyGroup ?? (rootless ? undefined : TTY_GROUP)
  const nodes = devices === 'default' ? DEFAULT_DEVICE_NODES : devices
  return [
    ...topDirectory('dev'),
    ...ownTmpfs('dev', ['nosuid', 'strictatime'], { mode: '755', size: '65536k' }),
    ...nodeSteps(nodes, rootless),
    mkdir('pts', 0o755),
    mount(
      'devpts',
      'pts',
      'devpts',
      ['nosuid', 'noexec'],
      `newinstance,ptmxmode=0666,mode=0620${group === undefined ? '' : `,gid=${group}`}`,
      {
        why: 'Terminals of its own, numbered from 0.',
      },
    ),
    ...sharedMemory(spec),
    mkdir('mqueue', 0o755),
    // Who is root in a user namespace only may not mount what belongs to another one's ipc namespace.
    sharedIpc === true && rootless
      ? mount('/dev/mqueue', 'mqueue', null, ['bind', 'rec'], null, {
          allow: ['ENOENT'],
          why: 'Message queues likewise, if the host shows its own.',
        })
      : mount('mqueue', 'mqueue', 'mqueue', ['nosuid', 'nodev', 'noexec'], null, { why: 'Message queues of this ipc namespace.' }),
    symlink('pts/ptmx', 'ptmx', { why: 'Where new terminals come from: this devpts, not the host’s.' }),
    symlink('/proc/self/fd', 'fd'),
    symlink('/proc/self/fd/0', 'stdin'),
    symlink('/proc/self/fd/1', 'stdout'),
    symlink('/proc/self/fd/2', 'stderr'),
  ]
}

/** /dev/shm; this process stands in /dev. */
function sharedMemory({ sharedIpc = false, noShm = false, shmSize = SHM_SIZE }: KernelFilesSpec): Step[] {
  if (noShm) return []
  const place = mkdir('shm', 0o755)
  if (sharedIpc === false) {
    const why = 'Shared memory that is not the host’s.'
    return [place, mount('shm', 'shm', 'tmpfs', ['nosuid', 'nodev', 'noexec'], `mode=1777,size=${shmSize}`, { why })]
  }
  if (sharedIpc === true) {
    const why = 'The ipc namespace is the host’s, and its shared memory too.'
    return [place, mount('/dev/shm', 'shm', null, ['bind', 'rec'], null, { why })]
  }
  return [place, move_mount(SHM, 'shm', { why: 'The shared memory goes with the ipc namespace.' }), close(SHM)]
}

const SHM = ref('rootfs.shm')

/** Taken while this process can still go into other mount namespaces. */
export const otherSharedMemory = ({ sharedIpc }: KernelFilesSpec): Step[] =>
  typeof sharedIpc === 'object' ? takeOther({ pid: sharedIpc.pid, path: '/dev/shm' }, SHM) : []

/** The nodes; this process stands in /dev. */
function nodeSteps(nodes: readonly DeviceNode[], rootless: boolean): Step[] {
  const directories = new Set<string>()
  return nodes.flatMap((device) => {
    const [top, ...parts] = componentsOf(device.path)
    if (top !== 'dev' || parts.length === 0)
      throw new DrydockError(`a device stands below /dev; '${device.path}' does not`, { status: 400 })
    const name = parts.join('/')
    const steps: Step[] = []
    for (let depth = 1; depth < parts.length; depth++) {
      const directory = parts.slice(0, depth).join('/')
      if (!directories.has(directory)) steps.push(mkdir(directory, 0o755, { allow: ['EEXIST'] }))
      directories.add(directory)
    }
    const { kind, major, minor, mode = 0o666, uid = 0, gid = 0, source = device.path } = device
    if (rootless) {
      steps.push(
        mknod(name, 'ifreg', 0o644, [0, 0], { why: `A place for ${device.path}.` }),
        mount(source, name, null, ['bind'], null, {
          why: 'The host’s node, by a bind mount: in a user namespace mknod of a device is refused.',
        }),
      )
      return steps
    }
    steps.push(mknod(name, TYPES[kind], mode, [major, minor], { why: `A node is a name for a number: the driver is the kernel’s own.` }))
    if (uid !== 0 || gid !== 0) steps.push(chown(name, uid, gid))
    return steps
  })
}
