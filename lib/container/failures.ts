/** Why a container did not start: a sentence, and the exit code that docker run promises for it (docker-run(1), EXIT STATUS). */
import { errnoOf } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { type Result, StepError } from '../kernel/result.js'
import { explainExec } from '../primitives/process.js'
import type { ContainerSpec } from './spec.js'

/** 125: drydock itself; 126: the program cannot be run; 127: there is none. */
export type FailureCode = 125 | 126 | 127

export class StartError extends DrydockError {
  readonly exitCode: FailureCode
  /** The step that failed. */
  readonly failed: StepError

  /** `asked`: it was asked for what cannot be. */
  constructor(message: string, exitCode: FailureCode, failed: StepError, asked = exitCode !== 125) {
    super(message, { status: asked ? 400 : 500, cause: failed })
    this.exitCode = exitCode
    this.failed = failed
  }
}

/** The error of a batch in which a step failed; undefined when none did. */
export function startError(results: readonly Result[], spec: ContainerSpec): StartError | undefined {
  const failed = results.find(({ status }) => status === 'failed')
  if (!failed) return undefined
  const cause = new StepError(failed)
  const program = spec.init ? undefined : explainExec(results)
  if (program) return new StartError(execSentence(spec, program.message, program.exitCode), program.exitCode, cause)
  if (failed.step.call === 'chdir' && failed.step.phase === 'privileges') {
    const { name, text } = errnoOf(failed.errno)
    const code = name === 'EACCES' || name === 'ENOTDIR' ? 126 : 127
    return new StartError(`the working directory ${spec.cwd} cannot be entered: ${text.toLowerCase()}`, code, cause)
  }
  const place = placeTrouble(failed)
  if (place) return new StartError(place, 125, cause, true)
  if (failed.step.call === 'move_mount' && errnoOf(failed.errno).name === 'EINVAL') {
    // What is mounted was opened before, so that nothing else of it can be wrong.
    return new StartError(`${cause.message}: a file cannot be mounted on a directory, nor a directory on a file`, 125, cause, true)
  }
  return new StartError(explained(failed, cause), 125, cause)
}

/** The words by which docker's own command line finds its exit code stand first. */
function execSentence({ argv }: ContainerSpec, message: string, exitCode: 126 | 127): string {
  const [name = ''] = argv
  if (exitCode === 127 && !name.includes('/')) return `exec: "${name}": executable file not found in $PATH: ${message}`
  if (exitCode === 127) return `exec: "${name}": no such file or directory: ${message}`
  return `exec: "${name}": permission denied: ${message}`
}

/** Directories that an image may have as such only, whatever its links are worth elsewhere. */
const OWN_PLACES = ['/proc', '/sys', '/dev']

/** A place inside the root that was made or found just before, and cannot be opened: the image has something else there. openat2(2). */
function placeTrouble({ step, errno }: Result): string | undefined {
  if (step.call !== 'openat2' || step.phase !== 'mounts') return undefined
  const path = step.args[1]
  const shown = path?.kind === 'text' ? `/${path.parts.join('')}` : 'a component of a path'
  switch (errnoOf(errno).name) {
    case 'ENOTDIR':
      return `${shown} is not a directory inside, so no directory can be mounted there, nothing below it, and no program be started in it`
    case 'ENOENT':
      return `${shown} is a symbolic link of the image that leads nowhere inside, so nothing can be mounted there; make its target, or choose another path`
    case 'ELOOP':
      return OWN_PLACES.includes(shown)
        ? `${shown} is a symbolic link in the image, which could lead the kernel's files elsewhere; an image must have a directory there, or nothing`
        : `${shown} is a symbolic link of the image that leads to itself or through a link of /proc, and neither is followed while a container is made`
    default:
      return undefined
  }
}

const MOUNTING = new Set(['mount', 'move_mount', 'open_tree', 'pivot_root'])

const IDS = new Set(['setgroups', 'setresgid', 'setresuid'])

/** The sentence, and what it means where that is known. */
export function explained(failed: Result, { message }: StepError): string {
  const known = knownCause(failed)
  return known ? `${message}: ${known}` : message
}

/** What an error means at this place, where it can mean one thing only. */
function knownCause({ step, errno }: Result): string | undefined {
  const { name } = errnoOf(errno)
  if (step.call === 'clone3' && name === 'ENOSPC') return 'the limit of namespaces is reached (/proc/sys/user/max_*_namespaces)'
  if (step.call === 'clone3' && name === 'EAGAIN')
    return 'the limit of processes is reached (ulimit -u, or pids.max of the cgroup that this runs in)'
  if (step.call === 'clone3' && name === 'ENOSYS') return 'a seccomp filter around drydock forbids it'
  if (IDS.has(step.call) && name === 'EINVAL')
    return 'the container’s user namespace has no such id (its ranges are those of /etc/subuid and /etc/subgid)'
  if (step.call === 'prlimit64' && name === 'EPERM')
    return 'a limit beyond the daemon’s own takes CAP_SYS_RESOURCE, which there is none of here'
  if (step.call === 'write' && step.phase === 'confine' && name === 'EINVAL') return 'the cgroup takes no processes'
  // mount_namespaces(7): also what is copied into a new namespace or passed on to a peer is counted.
  if (name === 'ENOSPC' && MOUNTING.has(step.call)) return 'the limit of mounts in one namespace is reached (/proc/sys/fs/mount-max)'
  if (name === 'ENOSPC') return 'the disk is full'
  if (name === 'EROFS') return 'that file system is read-only'
  return undefined
}
