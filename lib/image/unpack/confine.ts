/**
 * The process that makes a layer's files, and what it may do. An archive is a stranger's: whatever is wrong with how it is read here, this process
 * sees nothing but the layer's directory (its root, with the host's tree gone), no network, no other process, has the few capabilities that files
 * of other owners need, and a filter lets it make a dozen calls and no more.
 */
import { release } from 'node:os'
import { seccomp_set_mode_filter, set_no_new_privs } from '../../kernel/calls/credentials.js'
import { chmod, chown, open } from '../../kernel/calls/files.js'
import { mount, mount_setattr, pivot_root, umount2 } from '../../kernel/calls/mounts.js'
import { chdir, clone, type Namespace, umask } from '../../kernel/calls/process.js'
import { DrydockError } from '../../kernel/errors.js'
import { StepError } from '../../kernel/result.js'
import type { Shim } from '../../kernel/shim.js'
import { container, host, type Step } from '../../kernel/step.js'
import { ALL_CAPABILITIES, availableCapabilities, type Capability, capabilitySteps, lastCapability } from '../../primitives/capabilities.js'
import { explainUserNamespaceFailure, type IdmapSpec, idmap } from '../../primitives/idmap.js'
import { runHelpers } from '../../primitives/idmap-helpers.js'
import { rootOutside } from '../../primitives/own-ids.js'
import { compileProfile, INTERPRETER_CALLS, type Profile } from '../../primitives/seccomp/index.js'

const NAMESPACES: readonly Namespace[] = ['mnt', 'net', 'ipc', 'uts', 'pid']

/** To give files to others, to work in directories of others, to keep setuid bits, device nodes and files' capabilities. */
const CAPABILITIES: readonly Capability[] = ['chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap']

/** What its steps call, and what it needs to wait for them and to end. */
export interface Confinement {
  readonly directory: string
  readonly idmap?: IdmapSpec | undefined
  readonly calls: readonly string[]
  /** A file that it may read from, kept under the name `archive`. */
  readonly archive?: string
}

/** The shim's child, confined to the directory, which has become root's own with mode 0755. */
export async function confine(shim: Shim, { directory, idmap: map, calls, archive }: Confinement): Promise<void> {
  try {
    const root = rootOutside(map)
    const held = archive === undefined ? [] : [open(archive, ['rdonly'], { keep: 'archive' })]
    // Whoever is another user outside may not open what is this one's, and can only be given what it is to own.
    const given = root
      ? host([...held, chown(directory, root.uid, root.gid, { why: 'What root inside is to own is this user’s outside.' })])
      : []
    await shim.run([...given, clone(...NAMESPACES, ...(map ? (['user'] as const) : [])), ...phase(map, 'admit')])
    if (map) await runHelpers(map, shim.childPid as number, "the layer's files")
    const own = root ? [] : container(held)
    await shim.run([...phase(map, 'become'), ...own, ...container(enter(directory)), ...container(giveUp(map, calls))])
  } catch (error) {
    throw sentence(error, directory, map)
  }
}

const phase = (map: IdmapSpec | undefined, name: string): Step[] => (map ? idmap(map).steps.filter((step) => step.phase === name) : [])

function enter(directory: string): Step[] {
  return [
    umask(0, { why: 'Modes are the archive’s, whatever whoever started this likes.' }),
    mount(null, '/', null, ['rec', 'private'], null, { why: 'What is mounted here is seen nowhere else.' }),
    mount(directory, directory, null, ['bind'], null, { why: 'A new root has to be a mount.' }),
    mount_setattr(
      directory,
      { set: ['nosuid', 'nodev', 'noexec'] },
      { allow: ['ENOSYS', 'EINVAL', 'EPERM'], why: 'Nothing in it is ever used from here.' },
    ),
    chdir(directory),
    pivot_root('.', '.', { why: 'The directory is the root now, and the host’s tree lies on top of it …' }),
    umount2('.', ['detach'], { why: '… and is gone: no path leads there, by links or by `..`.' }),
    chdir('/'),
    chown('/', 0, 0, { why: 'The group of a directory that passes its own on is not the image’s …' }),
    chmod('/', 0o755, { why: '… nor is that it does so.' }),
  ]
}

function giveUp(map: IdmapSpec | undefined, calls: readonly string[]): Step[] {
  const available = map ? ALL_CAPABILITIES : availableCapabilities()
  const kept = CAPABILITIES.filter((one) => available.includes(one))
  const sets = { bounding: kept, permitted: kept, effective: kept, inheritable: [], ambient: [] }
  const { bounding, sets: set } = capabilitySteps({ ...sets, lastCap: lastCapability() })
  const profile: Profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: [...new Set([...calls, ...INTERPRETER_CALLS, 'clock_gettime', 'exit_group'])], action: 'SCMP_ACT_ALLOW' }],
  }
  const { program } = compileProfile(profile, { capabilities: [], kernel: release() })
  // The bounding set is for programs that are executed, and the filter forbids that: without CAP_SETPCAP it may stay.
  const mayDrop = available.includes('setpcap')
  return [...(mayDrop ? bounding : []), ...set, set_no_new_privs(), seccomp_set_mode_filter(program)]
}

function sentence(error: unknown, directory: string, map: IdmapSpec | undefined): unknown {
  if (!(error instanceof StepError)) return error
  const known = map ? explainUserNamespaceFailure(error.errno) : undefined
  return new DrydockError(`a process that is confined to ${directory} cannot be made: ${error.message}${known ? `: ${known}` : ''}`, {
    cause: error,
  })
}
