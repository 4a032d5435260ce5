/** Runs a learner's function in a process of its own, with limits, and says in a sentence what went wrong with it. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SYSCALLS } from '../kernel/constants.js'
import { encodeSteps, Slots } from '../kernel/encode.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { patience } from '../kernel/patience.js'
import { invoker } from '../kernel/places.js'
import { readStatusLine } from '../kernel/proc/status.js'
import type { Step } from '../kernel/step.js'
import type { LearnerAnswer, LearnerBegins, LearnerQuestion } from './learner-process.js'
import { problemWithSteps } from './returned.js'
import { shownPath } from './workspace.js'

export interface LearnerRun {
  /** What the function returned, or what is wrong. */
  readonly outcome: { readonly steps: readonly Step[] } | { readonly problem: string }
  /** What the program printed; never a part of the verdict. */
  readonly printed: string
}

export interface LearnerLimits {
  /** From when the learner's file is loaded. */
  readonly milliseconds: number
  readonly memoryMiB: number
  readonly printedBytes: number
}

const LIMITS: LearnerLimits = { milliseconds: patience(10_000), memoryMiB: 512, printedBytes: 64 * 1024 }

/** Milliseconds until then, which are the machine's: Node is started, with what reads TypeScript. */
const START = patience(60_000)

/** How much more processor time than `milliseconds` a program gets whose tutor was killed: the kernel ends it then. */
const ORPHAN_SECONDS = Math.ceil(patience(15_000) / 1000)

export async function runLearner(file: string, name: string, challenge: unknown, limits: Partial<LearnerLimits> = {}): Promise<LearnerRun> {
  const { milliseconds, memoryMiB, printedBytes } = { ...LIMITS, ...limits }
  const child = start(memoryMiB)
  // When the tutor is interrupted, its learner's loop does not go on alone.
  const endWithUs = () => kill(child)
  process.once('exit', endWithUs)
  const printed = collect(child, printedBytes)
  const watch = watchMemory(child, memoryMiB)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(howItEnded(code, signal, printed(), memoryMiB)))
  })
  let timer: NodeJS.Timeout | undefined
  let over = false
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it was not begun within ${START / 1000} s: this machine is too busy`), START)
    begun(child, () => {
      clearTimeout(timer)
      if (!over) timer = setTimeout(() => void whyLate(child.pid, milliseconds).then(resolve), milliseconds)
    })
  })
  const answer = answerOf(child)
  child.send({ file, name, challenge } satisfies LearnerQuestion, () => {})
  const first = await Promise.race([answer, ended, late])
  over = true
  clearTimeout(timer)
  // An answer may have come just before the end.
  const said = typeof first === 'string' ? await Promise.race([answer, Promise.resolve(undefined)]) : first
  const problem = said ? undefined : (watch.problem() ?? (first as string))
  watch.stop()
  await end(child)
  process.off('exit', endWithUs)
  const outcome = said ? judge(said, file, name) : { problem: problem ?? 'it gave no answer' }
  return { outcome, printed: printed() }
}

type Message = LearnerBegins | LearnerAnswer

/** The first time that it says so: a learner's program may say it again, and gains nothing by it. */
function begun(child: ChildProcess, begins: () => void): void {
  const hear = (message: unknown) => {
    if ((message as Message | null)?.kind !== 'begins') return
    child.off('message', hear)
    begins()
  }
  child.on('message', hear)
}

const answerOf = (child: ChildProcess): Promise<LearnerAnswer | undefined> =>
  new Promise((resolve) => {
    child.on('message', (message) => {
      if ((message as Message | null)?.kind !== 'begins') resolve(message as LearnerAnswer)
    })
  })

/** Through a shell, for the limit on processor time: it holds even when the tutor is killed and nobody ends the program. */
function start(memoryMiB: number): ChildProcess {
  const user = invoker()
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), `--max-old-space-size=${Math.floor(memoryMiB / 2)}`]
  return fork(fileURLToPath(new URL('./learner-process.ts', import.meta.url)), {
    execPath: '/bin/sh',
    execArgv: ['-c', `ulimit -t ${ORPHAN_SECONDS}; exec "$0" "$@"`, ...node],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    env: environment(user?.home),
    ...(user && { uid: user.uid, gid: user.gid }),
  })
}

/** Nothing of what the tutor was told or was given reaches the learner's program but what it needs to run. */
function environment(home: string | undefined): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LANG', 'LC_ALL', 'TMPDIR', 'DRYDOCK_NATIVE', 'DRYDOCK_SHIM', 'TZ']
  const entries = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(entries), HOME: home ?? process.env.HOME, NO_COLOR: '1' }
}

function collect(child: ChildProcess, most: number): () => string {
  const chunks: Buffer[] = []
  let kept = 0
  let dropped = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.max(0, most - kept))
      if (part.length > 0) chunks.push(part)
      kept += part.length
      dropped += chunk.length - part.length
    })
  }
  return () => Buffer.concat(chunks).toString() + (dropped > 0 ? `\n… and ${dropped} bytes more, which were not kept` : '')
}

/** V8's own limit does not count buffers; the process is looked at as a whole. */
function watchMemory(child: ChildProcess, memoryMiB: number): { problem(): string | undefined; stop(): void } {
  let problem: string | undefined
  const timer = setInterval(() => {
    // In KiB; proc_pid_status(5).
    const resident = child.pid === undefined ? 0 : Number.parseInt(readStatusLine(child.pid, 'VmRSS') ?? '0', 10)
    if (resident < memoryMiB * 1024) return
    problem = `it used more than ${memoryMiB} MiB of memory and was ended`
    kill(child)
  }, 50)
  return { problem: () => problem, stop: () => clearInterval(timer) }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null, printed: string, memoryMiB: number): string {
  if (printed.includes('heap out of memory')) return `it used more than ${Math.floor(memoryMiB / 2)} MiB of memory and was ended`
  if (signal) return `its process was ended by ${signal} before it returned anything`
  return `it ended its own process (with status ${code}) instead of returning steps; is there a process.exit in it?`
}

/** Busy or waiting: a loop is always running or ready to, however little of the processor it gets. */
async function whyLate(pid: number | undefined, milliseconds: number): Promise<string> {
  const looks = 15
  let busy = 0
  for (let look = 0; look < looks; look++) {
    if (pid !== undefined && readStatusLine(pid, 'State')?.startsWith('R')) busy++
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const limit = `${milliseconds / 1000} s`
  return busy > looks / 2
    ? `it did not return within ${limit} and kept the processor busy: there is a loop in it that does not end`
    : `it did not return within ${limit}: it waits for something that does not happen`
}

/** The whole process group: also what the program has started. */
function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    if (child.pid === undefined || (child.exitCode ?? child.signalCode) !== null) resolve()
    else child.once('exit', () => resolve())
  })
  kill(child)
  await gone
}

function judge(answer: LearnerAnswer, file: string, name: string): LearnerRun['outcome'] {
  const shown = shownPath(file)
  switch (answer.kind) {
    case 'returned':
      return checkSteps(answer.value)
    case 'not steps':
      return { problem: answer.problem }
    case 'not loaded':
      return { problem: whyNotLoaded(answer, file) }
    case 'threw':
      return { problem: `${whatWasThrown(answer)}${placeIn(answer.stack, file)}` }
    case 'no function': {
      const others = answer.exported.length > 0 ? `it exports ${answer.exported.join(', ')}` : 'it exports nothing'
      const what =
        answer.found === 'undefined' ? `does not export a function ${name} (${others})` : `exports ${name}, but it is no function`
      return { problem: `${shown} ${what}` }
    }
    case 'unsettled':
      return { problem: 'it returned a promise that is never settled: nothing is left that it could wait for' }
    default:
      return { problem: 'it answered with something else than a list of steps' }
  }
}

/** The answer crossed a border: everything in it is looked at again, down to what goes to the shim. */
function checkSteps(value: unknown): LearnerRun['outcome'] {
  const problem = problemWithSteps(value)
  if (problem) return { problem }
  const steps = value as readonly Step[]
  const slots = new Slots()
  for (const [index, step] of steps.entries()) {
    const where = `element ${index + 1} of the list that it returned`
    if (SYSCALLS[step.call] === undefined && step.call !== 'netlink') {
      return { problem: `${where} makes a call '${step.call}', which Linux does not have on this machine` }
    }
    try {
      encodeSteps([step], slots)
    } catch (error) {
      const reason = error instanceof DrydockError ? sentenceOf(error) : 'its arguments are not as the constructors make them'
      return { problem: `${where} (${step.call}) cannot be made: ${reason}` }
    }
  }
  return { steps }
}

/** What a constructor refuses is a sentence of its own. */
function whatWasThrown({ name, message }: { name: string; message: string }): string {
  const said = firstLine(message)
  return name === DrydockError.name ? said : `it threw ${[name, said].filter(Boolean).join(': ')}`
}

function whyNotLoaded({ name, message, stack }: { name: string; message: string; stack: string }, file: string): string {
  const shown = shownPath(file)
  // esbuild: `/path/file.ts:3:10: ERROR: Expected ";" but found "x"`
  const compiled = /^(.+?):(\d+):(\d+): ERROR: (.+)$/m.exec(message)
  if (compiled) return `${shownPath(compiled[1] as string)}:${compiled[2]}:${Number(compiled[3]) + 1} does not compile: ${compiled[4]}`
  const missing = /does not provide an export named '(.+)'/.exec(message)
  if (missing) return `${shown} imports '${missing[1]}', which does not exist there`
  return `${shown} cannot be loaded: ${[name, firstLine(message)].filter(Boolean).join(': ')}${placeIn(stack, file)}`
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? ''

/** ` (at workspace/01-namespaces.ts:12:5)`: the innermost line of the stack that is the learner's. */
function placeIn(stack: string, file: string): string {
  const place = stack
    .split('\n')
    .map((line) => /\(?(?:file:\/\/)?(\/[^()]+?):(\d+):(\d+)\)?$/.exec(line.trim()))
    .find((match) => match && isPathOf(match[1] as string, file))
  return place ? ` (at ${shownPath(file)}:${place[2]}:${place[3]})` : ''
}

/** A stack has paths or addresses, and a learner's may have anything. */
const isPathOf = (place: string, file: string): boolean => place === file || place === pathToFileURL(file).pathname
