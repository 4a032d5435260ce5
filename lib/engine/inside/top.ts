/** docker top: the processes of a container, as ps shows them on the host. */

import { execFile } from 'node:child_process'
import { cgroupPath, notRunning } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { readNamespace } from '../../kernel/proc/namespaces.js'
import { processesIn } from '../../kernel/proc/processes.js'
import { cgroupAt, readProcesses } from '../../primitives/cgroups/index.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../context.js'
import type { ContainersNoun } from '../types.js'
import { psTable } from './ps.js'

type Table = Awaited<ReturnType<ContainersNoun['top']>>

export async function top(context: EngineContext, word: string, psArguments = ''): Promise<Table> {
  const container = context.containers.find(word)
  if (container.status === 'restarting') {
    throw new DrydockError(`Container ${container.id} is restarting, wait until the container is running`, { status: 409 })
  }
  if (!container.running) throw notRunning(container.id)
  const pids = pidsOf(context, container)
  context.events.publish({ Type: 'container', Action: 'top', ID: container.id, Attributes: attributesOf(container) })
  const words = psArguments.split(/[ \t\n\v\f\r]+/).filter((one) => one !== '')
  // What docker asks for when nobody says anything; no program need be started for that.
  if (words.length === 0 || (words.length === 1 && words[0] === '-ef')) return psTable(pids)
  checkArguments(psArguments)
  return select(await ps(words, pids), new Set(pids))
}

/** Those in its cgroup, execs included; where it has none, those in its pid namespace. */
export function pidsOf({ machine }: EngineContext, { record, pid }: ContainerHandle): number[] {
  const [first] = cgroupAt(cgroupPath(record.spec), machine.cgroups)
  if (first) return readProcesses([first])
  const inode = pid === undefined ? undefined : readNamespace(pid, 'pid')
  return inode === undefined ? [] : processesIn('pid', inode).map((process) => process.pid)
}

/** Docker's rule: a column may be called PID only when it is the process id, by which the container's are found. */
function checkArguments(text: string): void {
  for (const [, column, title] of text.matchAll(/\s+([^\s]*)=\s*(PID[^\s]*)/g)) {
    if (column !== 'pid') throw new DrydockError(`specifying "${column}=${title}" is not allowed`, { status: 400 })
  }
}

/** Its output. Some options, such as `f`, do not go together with a choice of processes: then all are asked for. */
async function ps(words: readonly string[], pids: readonly number[]): Promise<string> {
  try {
    return await run([...words, `-q${pids.join(',')}`])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new DrydockError('the host has no program ps (package procps), which arguments are for; without arguments none is needed', {
        cause: error,
        status: 500,
      })
    }
    return run(words).catch((cause: Error & { stderr?: string }) => {
      throw new DrydockError(`ps: ${cause.stderr?.split('\n')[0] || cause.message}`, { cause, status: 400 })
    })
  }
}

function run(words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', words, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(Object.assign(error, { stderr }))
      else resolve(stdout)
    })
  })
}

/** The lines of the container's processes. A line whose pid is `-` is a thread of the process above it. */
export function select(output: string, pids: ReadonlySet<number>): Table {
  const [heading = '', ...lines] = output.split('\n')
  const Titles = fields(heading)
  const column = Titles.indexOf('PID')
  if (column === -1) throw new DrydockError("Couldn't find PID field in ps output", { status: 400 })
  const Processes: string[][] = []
  let inside = false
  for (const line of lines) {
    const all = fields(line)
    if (all.length === 0) continue
    const word = all[column] ?? ''
    if (word !== '-') {
      const pid = Number(word)
      if (!Number.isInteger(pid)) throw new DrydockError(`Unexpected pid '${word}' in ps output`, { status: 400 })
      inside = pids.has(pid)
    }
    const last = Titles.length - 1
    if (inside) Processes.push([...all.slice(0, last), all.slice(last).join(' ')])
  }
  return { Titles, Processes }
}

/** Split at ASCII spaces alone: a name may have others in it. */
const fields = (line: string) => line.split(/[ \t\n\v\f\r]+/).filter((field) => field !== '')
