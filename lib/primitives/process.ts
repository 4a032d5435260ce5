/**
 * The program that the container becomes: where it starts, what it inherits, and where it is looked for.
 *
 *     privileges.ts   the user that it runs as
 *     rlimits.ts      its limits
 *     user.ts         names of users into numbers, by the container's own files
 *
 * Signal dispositions are no steps: the shim's child has all of them at their defaults, because an ignored signal would stay ignored through
 * execve, and Node ignores some.
 */
import { close, close_range, open, write } from '../kernel/calls/files.js'
import { chdir, execve, umask as setUmask } from '../kernel/calls/process.js'
import { errnoOf } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { remembered } from '../kernel/remembered.js'
import type { Result } from '../kernel/result.js'
import { child, type Fragment, inPhase, ref, type Step, text } from '../kernel/step.js'
import { type PrivilegesSpec, privileges } from './privileges.js'
import { checkArguments, checkEnvironment, checkPath } from './process-input.js'

export { type PrivilegesSpec, privileges } from './privileges.js'
export { parseRlimit, type Rlimit, type RlimitName } from './rlimits.js'
export { type ContainerUser, resolveUser } from './user.js'

/** What Docker sets when an image does not. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Outcomes of an execve after which execvp(3) goes on to the next directory. */
const SEARCH_GOES_ON = ['ENOENT', 'EACCES', 'ENOTDIR'] as const

export interface ExecuteSpec {
  /** Program and arguments. A name without a slash is looked for in the PATH of `env`. */
  readonly argv: readonly string[]
  /** NAME=VALUE each; exactly these. */
  readonly env?: readonly string[]
}

export interface WorkplaceSpec {
  /** Absolute; '/' by default. It must exist by now: Docker makes a missing one, as root, while it prepares the root filesystem. */
  readonly cwd?: string
  /** File mode bits that are taken away from what the program makes; 0o022 by default. */
  readonly umask?: number
  /**
   * Enter the working directory while still root, in 'privileges' (`enterAsRoot` there), and not as the final user. Docker does so: with it a
   * user may be put into a directory that he could not enter himself.
   */
  readonly cwdAsRoot?: boolean
}

export interface ProcessSpec extends ExecuteSpec, WorkplaceSpec, Omit<PrivilegesSpec, 'enterAsRoot'> {
  /** How gladly the kernel kills it when memory is short: -1000 (never) to 1000. */
  readonly oomScoreAdj?: number
  /** The seccomp fragment: its step takes the place that its phase gives it, right before the execve when that is 'exec'. */
  readonly filter?: Fragment
}

/** Everything between the set-up and the running program. */
export function process(spec: ProcessSpec): Fragment {
  const { argv, env, oomScoreAdj, filter, cwd = '/', umask, cwdAsRoot = false, ...rights } = spec
  const steps = [
    ...(oomScoreAdj === undefined ? [] : oomScore(oomScoreAdj)),
    ...(filter?.steps.filter(({ phase }) => phase === 'filter') ?? []),
    ...privileges(cwdAsRoot ? { ...rights, enterAsRoot: cwd } : rights).steps,
    ...workplace({ cwd, cwdAsRoot, ...(umask !== undefined && { umask }) }).steps,
    ...(filter?.steps.filter(({ phase }) => phase !== 'filter') ?? []),
    ...execute({ argv, ...(env && { env }) }).steps,
  ]
  return { primitive: 'process', title: `Process: ${argv.join(' ')}`, steps }
}

/** Working directory, umask and open descriptors. */
export const workplace = remembered(workplaceOf)

function workplaceOf({ cwd = '/', umask = 0o022, cwdAsRoot = false }: WorkplaceSpec): Fragment {
  checkPath(cwd, 'the working directory')
  if (!Number.isInteger(umask) || umask < 0 || umask > 0o777) {
    throw new DrydockError(`a umask is an octal number from 0 to 777; ${umask} is not`, { status: 400 })
  }
  const enter = chdir(cwd, { why: 'With the final user’s rights, so that nobody is put where he could not have gone by himself.' })
  const steps = [
    ...(cwdAsRoot ? [] : [enter]),
    setUmask(umask, { why: 'Whoever started the engine had a umask of his own; the container’s files must not depend on it.' }),
    close_range(3, ['cloexec'], {
      why: 'Whatever is open besides stdio goes at the execve; a descriptor of a host directory would be a way out.',
    }),
  ]
  return { primitive: 'process', title: `Workplace: ${cwd}`, steps: inPhase('exec', 'container', steps) }
}

/**
 * The execve, or a row of them: for a name without a slash one for each directory of PATH, in its order, of which all but the last may
 * answer that it is not there. As execvp(3), and without its fallback to /bin/sh for files of unknown format.
 */
export function execute({ argv, env = [] }: ExecuteSpec): Fragment {
  checkArguments(argv)
  const variables = checkEnvironment(env)
  const places = candidates(argv[0] as string, variables)
  const steps = places.map((place, index): Step => {
    const last = index === places.length - 1
    const why = last
      ? 'The process becomes the program: same pid, same namespaces, same limits, new memory. Nothing comes back from it.'
      : 'A name without a slash is tried in each directory of PATH; when it is not here, the next one is.'
    return execve(place, argv, variables, last ? { why } : { why, allow: [...SEARCH_GOES_ON] })
  })
  return { primitive: 'process', title: `Program: ${argv.join(' ')}`, steps: inPhase('exec', 'container', steps) }
}

/** Where a program of this name may be, in the order in which it is tried. */
export function candidates(name: string, env: readonly string[]): string[] {
  if (name.includes('/')) return [name]
  const path = env.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  // An empty entry is the current directory, as it always was.
  return [...new Set(path.split(':').map((directory) => (directory === '' ? `./${name}` : `${directory.replace(/\/+$/, '')}/${name}`)))]
}

/** Why no program was started, and the exit code that shells and Docker give it: 127 not found, 126 found but not executable. */
export interface ExecFailure {
  readonly message: string
  readonly exitCode: 126 | 127
}

/** From the results of a plan whose execve steps all failed; undefined when they did not. */
export function explainExec(results: readonly Result[]): ExecFailure | undefined {
  const tried = results.filter(({ step, status }) => step.call === 'execve' && (status === 'failed' || status === 'allowed'))
  const failed = tried.at(-1)
  if (failed?.status !== 'failed') return undefined
  const errors = tried.map(({ errno }) => errnoOf(errno).name)
  const name = (failed.step.args[1]?.kind === 'strings' ? failed.step.args[1].values[0] : undefined) ?? ''
  const last = errors.at(-1) as string
  // As execvp(3): one "permission denied" on the way says more than "not there" at the end.
  const told = ['ENOENT', 'ENOTDIR'].includes(last) && errors.includes('EACCES') ? 'EACCES' : last
  const where = tried.length > 1 ? ` in any of the ${tried.length} directories of PATH` : ''
  switch (told) {
    case 'ENOENT':
    case 'ENOTDIR': {
      const interpreter =
        tried.length === 1 ? ' (neither is the interpreter that its first line or its header names, if the file is there)' : ''
      return { message: `'${name}' was not found${where}${interpreter}`, exitCode: 127 }
    }
    case 'EACCES':
      return {
        message: `'${name}' cannot be executed by this user: no execute permission, a directory, or on a mount with noexec`,
        exitCode: 126,
      }
    case 'ENOEXEC':
      return {
        message: `'${name}' is no program for this machine: another architecture, or a script without #! in its first line`,
        exitCode: 126,
      }
    default:
      return { message: `'${name}' cannot be executed: ${told} (${errnoOf(failed.errno).text})`, exitCode: 126 }
  }
}

function oomScore(value: number): Step[] {
  if (!Number.isInteger(value) || value < -1000 || value > 1000) {
    throw new DrydockError(`the OOM score adjustment is a whole number from -1000 to 1000; ${value} is not`, { status: 400 })
  }
  return inPhase('admit', 'host', [
    open(text`/proc/${child}/oom_score_adj`, ['wronly'], {
      keep: 'process.oom',
      why: 'From outside: lowering it takes a right in the host’s user namespace, and inside, /proc may be read-only or not there.',
    }),
    write(ref('process.oom'), `${value}\n`, {
      why: 'Added to the score by which the kernel chooses whom to kill when memory is short; children inherit it.',
    }),
    close(ref('process.oom'), { why: 'Written.' }),
  ])
}
