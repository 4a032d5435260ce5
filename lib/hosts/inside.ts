/** A program in a host, started from outside of it: by a shim of the host's own, so that it is born there, in its namespaces and its cgroup. */
import { plan } from '../container/plan.js'
import { clone3, pidfd_open } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { StepError } from '../kernel/result.js'
import { Shim } from '../kernel/shim.js'
import { child, type Fragment, inPhase } from '../kernel/step.js'
import { execute, explainExec, workplace } from '../primitives/process.js'
import { stdio } from '../primitives/stdio.js'
import type { HostRecord } from './house.js'

/** Of a host, what a program is started with. */
export type Surroundings = Pick<HostRecord, 'name' | 'socket' | 'env' | 'home'>

export interface ProgramSpec {
  readonly argv: readonly string[]
  /** NAME=VALUE each, in addition to the host's and before them. */
  readonly env?: readonly string[]
  /** A terminal of this size is its stdio; without, three pipes. */
  readonly terminal?: { readonly rows: number; readonly columns: number }
  /** Whether the pipe of its stdin is filled; /dev/null otherwise. */
  readonly stdin?: boolean
}

/** It could not be started, with the exit code that shells give that. */
export class NotStarted extends DrydockError {
  readonly exitCode: 126 | 127

  constructor(message: string, exitCode: 126 | 127) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Output comes as the shim's events, from the first byte on when `prepared` listens to them. It is killed when the shim's connection ends. */
export async function startInside(record: Surroundings, spec: ProgramSpec, prepared?: (shim: Shim) => void): Promise<Shim> {
  const { argv, env = [], terminal, stdin = false } = spec
  const shim = await connect(record)
  try {
    const streams = stdio(terminal ? { kind: 'terminal', ...terminal, console: false } : { kind: 'pipes', stdin })
    const birth: Fragment = {
      primitive: 'process',
      title: `A process in ${record.name}`,
      steps: [...inPhase('clone', 'host', [clone3([])]), ...inPhase('admit', 'host', [pidfd_open(child, { keep: 'pidfd' })])],
    }
    const variables = [...new Map([...env, ...record.env].map((variable) => [variable.split('=', 1)[0], variable])).values()]
    const program = [workplace({ cwd: record.home }), execute({ argv, env: variables })]
    prepared?.(shim)
    await shim.monitor(streams.monitor)
    const results = await shim.attempt(plan([birth, streams, ...program]))
    const failed = results.find(({ status }) => status === 'failed')
    const reason = failed && explainExec(results)
    if (reason) throw new NotStarted(reason.message, reason.exitCode)
    if (failed) throw new StepError(failed)
    return shim
  } catch (error) {
    await shim.rollback()
    throw error
  }
}

async function connect({ name, socket }: Pick<HostRecord, 'name' | 'socket'>): Promise<Shim> {
  try {
    return await Shim.connect(socket)
  } catch (cause) {
    throw new DrydockError(`${name} does not answer; it may have ended just now`, { cause })
  }
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Run it to its end and return what it said; for programs, lessons and tests. */
export async function runInside(record: Surroundings, argv: readonly string[], input?: string): Promise<Outcome> {
  const output = { 1: [] as Buffer[], 2: [] as Buffer[] }
  const shim = await startInside(record, { argv, stdin: input !== undefined }, (one) => {
    one.on('output', (stream, bytes) => void output[stream].push(bytes))
  })
  if (input !== undefined) {
    shim.stdin(Buffer.from(input))
    shim.closeStdin()
  }
  const { code } = await shim.exited
  const text = (stream: 1 | 2) => Buffer.concat(output[stream]).toString()
  return { code, stdout: text(1), stderr: text(2) }
}
