/** Why a further program was not started in a container, in the words of docker and its runtime: command lines look for some of them. */
import { errnoOf } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { type Result, StepError } from '../kernel/result.js'
import { explainExec } from '../primitives/process.js'
import type { ExecSpec } from './exec.js'
import { explained, type FailureCode, StartError } from './failures.js'

/** The error of a batch in which a step failed; undefined when none did. */
export function execError(results: readonly Result[], spec: ExecSpec): DrydockError | undefined {
  const failed = results.find(({ status }) => status === 'failed')
  if (!failed) return undefined
  const cause = new StepError(failed)
  if (meansEnd(failed)) return notRunning(spec.container.id, cause)
  const told = programTrouble(results, spec) ?? directoryTrouble(failed, spec)
  if (told) return new StartError(runtimeSentence(told.sentence), told.code, cause)
  return new StartError(runtimeSentence(explained(failed, cause)), 125, cause)
}

/** In docker's words, with the whole id. */
export const notRunning = (id: string, cause?: unknown): DrydockError =>
  new DrydockError(`Container ${id} is not running`, { status: 409, cause })

const runtimeSentence = (why: string) => `OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`

interface Told {
  readonly sentence: string
  readonly code: FailureCode
}

function programTrouble(results: readonly Result[], { argv }: ExecSpec): Told | undefined {
  const trouble = explainExec(results)
  if (!trouble) return undefined
  const [name = ''] = argv
  const { exitCode: code } = trouble
  if (code === 127) {
    return {
      code,
      sentence: `exec: "${name}": ${name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH'}`,
    }
  }
  const tried = results.filter(({ step }) => step.call === 'execve').map(({ errno }) => errnoOf(errno).name)
  if (tried.includes('EACCES')) return { code, sentence: `exec: "${name}": permission denied` }
  if (tried.includes('ENOEXEC')) return { code, sentence: `exec ${name}: exec format error` }
  return { code, sentence: `exec: "${name}": ${trouble.message}` }
}

function directoryTrouble({ step, errno }: Result, { cwd, container }: ExecSpec): Told | undefined {
  if (step.call !== 'chdir' || step.phase !== 'privileges') return undefined
  const { name, text } = errnoOf(errno)
  const code = name === 'EACCES' || name === 'ENOTDIR' ? 126 : 127
  return { code, sentence: `chdir to cwd ("${cwd || container.cwd}") set in config.json failed: ${text.toLowerCase()}` }
}

/** What answers when the container, or the process that was to become the program, has been killed with it meanwhile. */
const END = ['ESRCH', 'ECHILD', 'ENODEV']

function meansEnd({ step, errno }: Result): boolean {
  const { name } = errnoOf(errno)
  if (END.includes(name)) return true
  // Its cgroups are gone; a pid namespace without its first process takes no new ones (clone(2), ENOMEM).
  if (name === 'ENOENT') return step.phase === 'prepare'
  if (name === 'ENOMEM') return step.phase === 'clone'
  return false
}

/** A cgroup that takes no processes of its own. */
export const isCgroupFull = (error: unknown): boolean =>
  error instanceof StartError && error.failed.step.call === 'clone3' && ['EBUSY', 'EOPNOTSUPP'].includes(error.failed.errno)
