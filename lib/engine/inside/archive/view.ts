/**
 * A process that sees a container's files and nothing else: what is done with a path that a stranger's links are in is done by it. Whatever races it, no link
 * and no `..` leads out of its root; no device that somebody has put there can be opened; and a filter lets it make a dozen calls and no more.
 *
 *     running     the container's own mounts, in a copy of its mount namespace: volumes and memory file systems are seen as it sees them
 *     stopped     its layers as one, and its volumes on them, in a mount namespace that is made for this
 *
 * The kernel's own trees (/proc, /sys, /dev) are in neither, as in Docker's: they are no files of the container's.
 */
import { existsSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { mountedFiles } from '../../../container/files.js'
import type { ContainerSpec, Layout, Machine } from '../../../container/index.js'
import { capset, seccomp_set_mode_filter, set_no_new_privs } from '../../../kernel/calls/credentials.js'
import { chown, close, mkdir } from '../../../kernel/calls/files.js'
import { mount, mount_setattr, umount2 } from '../../../kernel/calls/mounts.js'
import { chdir, clone, pidfd_open, setns, umask, unshare } from '../../../kernel/calls/process.js'
import { errnoOf } from '../../../kernel/constants.js'
import { StepError } from '../../../kernel/result.js'
import type { Shim } from '../../../kernel/shim.js'
import { container, host, ref, type Step } from '../../../kernel/step.js'
import { ALL_CAPABILITIES, availableCapabilities, type Capability } from '../../../primitives/capabilities.js'
import { becomeRoot, idmap } from '../../../primitives/idmap.js'
import { runHelpers } from '../../../primitives/idmap-helpers.js'
import { rootOutside } from '../../../primitives/own-ids.js'
import { Places } from '../../../primitives/rootfs/attach.js'
import { hostSources, isInProc, mountVolumes, type Volume, volumesOf } from '../../../primitives/rootfs/mounts.js'
import { leaveHost, makeRoot, ownTree } from '../../../primitives/rootfs/root.js'
import { compileProfile, INTERPRETER_CALLS, type Profile } from '../../../primitives/seccomp/index.js'

export interface ViewSpec {
  readonly spec: Pick<ContainerSpec, 'image' | 'mounts' | 'readOnlyRoot'>
  readonly layout: Layout
  /** Its first process, as the shim's pid namespace numbers it; absent: it does not run. */
  readonly pid: number | undefined
  readonly machine: Machine
  /** Otherwise it is only read, and what is there for that leaves no trace in the container. */
  readonly written: boolean
}

/** The container has ended before its mounts could be entered. */
export class HasEnded extends Error {}

/** The shim's child, at the root of the container's files. Only the calls of its purpose are left to it. */
export async function openView(shim: Shim, view: ViewSpec): Promise<void> {
  try {
    if (view.pid !== undefined) await shim.run([...enter(view.pid, view), ...container([...settle(view), ...giveUp(view)])])
    else await assembled(shim, view)
  } catch (error) {
    const gone =
      error instanceof StepError && ['pidfd_open', 'setns'].includes(error.step.call) && errnoOf(error.result.errno).name === 'ESRCH'
    throw gone ? new HasEnded() : error
  }
}

const TARGET = ref('view.target')

function enter(pid: number, { machine }: ViewSpec): Step[] {
  return [
    ...host([pidfd_open(pid, { keep: TARGET.ref, why: 'A pidfd goes on meaning this process; its number might come to mean another.' })]),
    clone(),
    ...container([
      setns(TARGET, machine.idmap ? ['user', 'mnt'] : ['mnt'], { why: 'Its mounts, and with them its root.' }),
      // What is made has to be somebody's who is known inside.
      ...(rootOutside(machine.idmap) ? becomeRoot({ setgroups: true }) : []),
      close(TARGET),
      unshare(['mnt'], { why: 'A copy of them: what is changed in it the container does not see.' }),
      mount(null, '/', null, ['rec', 'private'], null, { why: 'Nor does any other mount namespace.' }),
      ...['/dev', '/sys', '/proc'].map((path) =>
        umount2(path, ['detach', 'nofollow'], {
          allow: ['EINVAL', 'ENOENT'],
          why: 'The kernel’s own trees are no files of the container’s.',
        }),
      ),
    ]),
  ]
}

/** Of one that does not run, put together from what is on disk. */
async function assembled(shim: Shim, view: ViewSpec): Promise<void> {
  const { machine } = view
  const mapped = machine.idmap ? idmap(machine.idmap).steps : []
  const volumes = shown(view)
  await shim.run([
    ...host(hostSources(volumes)),
    clone('mnt', ...(machine.idmap ? (['user'] as const) : [])),
    ...mapped.filter(({ phase }) => phase === 'admit'),
  ])
  if (machine.idmap) await runHelpers(machine.idmap, shim.childPid as number, "the container's files")
  const become = mapped.filter(({ phase }) => phase !== 'admit')
  await shim.run([...become, ...container([...tree(view, volumes), ...settle(view), ...giveUp(view)])])
}

/** What is mounted over its layers. */
function shown({ spec, layout, machine }: ViewSpec): Volume[] {
  const files = mountedFiles(layout, spec.readOnlyRoot).filter(({ source }) => existsSync(source))
  const mounts = spec.mounts.flatMap(({ propagation: _, ...one }) => (one.kind === 'bind' ? [one] : []))
  return volumesOf({ mounts, files, closed: rootOutside(machine.idmap) !== undefined }).filter((volume) => !isInProc(volume))
}

function tree({ spec, layout, machine, written }: ViewSpec, volumes: readonly Volume[]): Step[] {
  const rootless = machine.idmap !== undefined
  const { layers } = spec.image
  const { merged } = layout
  const { mode, uid, gid } = statSync(layout.upper)
  const desk: Step[] = [
    mount('tmpfs', merged, 'tmpfs', ['nosuid', 'nodev', 'noexec'], 'mode=700', {
      why: 'Mount points that the container has not got yet are made in memory, and its own layer is only read.',
    }),
    ...['root', 'work'].map((name) => mkdir(`${merged}/${name}`, 0o755)),
    // The root that is seen is this one: it is as the container's own.
    mkdir(`${merged}/upper`, mode & 0o7777),
    chown(`${merged}/upper`, uid, gid, { allow: ['EINVAL', 'EPERM'] }),
  ]
  const root = written
    ? { kind: 'overlay' as const, lower: layers, upper: layout.upper, work: layout.work, target: merged }
    : {
        kind: 'overlay' as const,
        lower: [layout.upper, ...layers],
        upper: `${merged}/upper`,
        work: `${merged}/work`,
        target: `${merged}/root`,
      }
  return [...ownTree(), ...(written ? [] : desk), ...makeRoot(root, { rootless }), ...mountVolumes(volumes, new Places()), ...leaveHost()]
}

function settle({ written }: ViewSpec): Step[] {
  const set = ['nosuid', 'nodev', 'noexec', ...(written ? [] : (['rdonly'] as const))] as const
  return [
    mount_setattr('/', { set, recursive: true }, { why: 'No device of the container’s making can be opened from here.' }),
    umask(0, { why: 'Modes are the archive’s.' }),
    chdir('/'),
  ]
}

const READS = ['statx', 'readlinkat', 'openat', 'openat2', 'close', 'read', 'chroot', 'chdir', 'fchdir']
const LISTS = ['getdents64', 'llistxattr', 'lgetxattr', 'pread64', 'lseek']
const WRITES = [
  ...[
    'write',
    'pwrite64',
    'ftruncate',
    'fchown',
    'fchmod',
    'fsetxattr',
    'mkdirat',
    'symlinkat',
    'linkat',
    'mknodat',
    'fchownat',
    'fchmodat',
  ],
  // Removing a directory that something else takes the place of (remove_tree).
  ...['lsetxattr', 'utimensat', 'unlinkat', 'renameat2', 'fstat', 'getdents64', 'lseek'],
]

const profileOf = (calls: readonly string[]): Profile => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [{ names: [...new Set([...READS, ...calls, ...INTERPRETER_CALLS, 'clock_gettime', 'exit_group'])], action: 'SCMP_ACT_ALLOW' }],
})
/** Kept, as programs are by their profile. */
const READING = profileOf(LISTS)
const WRITING = profileOf(WRITES)

const TO_READ: readonly Capability[] = ['dac_read_search', 'sys_chroot']
/** To give files to others, to work in directories of others, to keep setuid bits, device nodes and files' capabilities. */
const TO_WRITE: readonly Capability[] = ['chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap']

function giveUp({ written, machine }: ViewSpec): Step[] {
  const available = machine.idmap ? ALL_CAPABILITIES : availableCapabilities()
  const kept = (written ? TO_WRITE : TO_READ).filter((one) => available.includes(one))
  const { program } = compileProfile(written ? WRITING : READING, { capabilities: [], kernel: release() })
  return [capset({ effective: kept, permitted: kept, inheritable: [] }), set_no_new_privs(), seccomp_set_mode_filter(program)]
}
