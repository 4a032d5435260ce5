/**
 * Further programs in running containers. Each has a shim of its own, so that it goes on when the engine is gone, and is found again by the next:
 *
 *     engine        shim of the exec                 container
 *       │ ── MONITOR ─►│  its socket listens            │
 *       │ ── ATTACH ──►│                                │
 *       │ ── … exec ──►│ ── setns, clone3, …, execve ──►│  the program runs, and nothing of what it says is lost
 *       │ ◄── EXIT ────│
 *       the stream ends only now, when the exit code can be asked for
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers'
import { notRunning, StartError, startExec } from '../../container/index.js'
import { Control, openStreams } from '../../kernel/control.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { readChildren } from '../../kernel/proc/processes.js'
import { newId } from '../../kernel/random.js'
import type { Shim } from '../../kernel/shim.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../keys.js'
import { linked, withLinked } from '../links.js'
import type { Attached, Document, ExecsNoun } from '../types.js'
import { Exec, type ExecLine } from './exec.js'
import { type ExecRecord, type ExecRequest, filesOf, readExit, readRecords, removeRecord, writeRecord } from './exec-record.js'
import { execRequest, sizeOf } from './exec-request.js'
import { ExecStream } from './exec-stream.js'
import { ExecTable } from './exec-table.js'

/** How long a resize waits for the program to run, as docker's does, in milliseconds. */
const RESIZE_PATIENCE = 10_000

/** Docker's exit code of an exec that could not be started, when its own fault is neither of the two that shells know. */
const UNKNOWN_FAILURE = 126

const SIGKILL = 9

interface StartOptions {
  readonly detach: boolean
  readonly size?: readonly [number, number]
}

/** As docker has them: the container's user, directory and variables, no input. */
const PROBE: Omit<ExecRequest, 'argv'> = {
  env: [],
  user: '',
  cwd: '',
  privileged: false,
  tty: false,
  stdin: false,
  stdout: true,
  stderr: true,
  detachKeys: '',
  probe: true,
}

export interface RunningProbe {
  /** Framed. */
  readonly stream: Duplex
  readonly exited: Promise<number>
  kill(): void
}

export class Execs implements ExecsNoun {
  readonly #context: EngineContext
  readonly #table: ExecTable

  constructor(context: EngineContext) {
    this.#context = context
    this.#table = new ExecTable(context.events)
  }

  async create(word: string, body: Document): Promise<{ readonly Id: string }> {
    const container = this.#context.containers.find(word)
    refuseUnlessAble(container, word)
    return { Id: this.#make(container, execRequest(body)).id }
  }

  async start(id: string, body: Parameters<ExecsNoun['start']>[1]): Promise<Attached | undefined> {
    const exec = this.#table.find(id)
    const container = this.#containerOf(exec)
    if (exec.state === 'ended') throw conflict(`Error: Exec command ${id} has already run`)
    if (exec.state !== 'created') throw conflict(`Error: Exec command ${id} is already running`)
    refuseUnlessAble(container, container.id)
    const size = sizeOf(body.ConsoleSize) ?? exec.record.request.size
    return this.#begin(exec, container, { detach: body.Detach === true, ...(size && { size }) })
  }

  /** A health check's program runs. It is forgotten as soon as it has ended: there are many of them, and nobody has asked for them. */
  async runProbe(container: ContainerHandle, argv: readonly string[]): Promise<RunningProbe> {
    refuseUnlessAble(container, container.id)
    const exec = this.#make(container, { ...PROBE, argv })
    const exited = exec.over.then(() => {
      this.#table.forget(exec, container)
      return exec.exitCode as number
    })
    const { stream } = (await this.#begin(exec, container, { detach: false })) as Attached
    return { stream, exited, kill: () => exec.line?.signal(SIGKILL) }
  }

  #make(container: ContainerHandle, request: ExecRequest): Exec {
    const record: ExecRecord = {
      version: 1,
      id: newId(),
      dataRoot: this.#context.dataRoot,
      container: container.id,
      run: container.pid,
      request,
    }
    writeRecord(record)
    const exec = new Exec(record)
    this.#table.add(exec, container)
    this.#table.tell(exec, container, `exec_create: ${exec.command}`)
    return exec
  }

  async #begin(exec: Exec, container: ContainerHandle, options: StartOptions): Promise<Attached | undefined> {
    exec.state = 'starting'
    this.#table.tell(exec, container, `exec_start: ${exec.command}`)
    try {
      return await this.#start(exec, container, options)
    } catch (error) {
      this.#table.hasFailed(exec, container, error instanceof StartError && error.exitCode !== 125 ? error.exitCode : UNKNOWN_FAILURE)
      throw error
    }
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    if (![rows, columns].every((size) => Number.isInteger(size) && size >= 0 && size <= 0xffff))
      throw new DrydockError(`a terminal has 0 to 65535 rows and columns; ${rows} × ${columns} is no size`, { status: 400 })
    const exec = this.#table.find(id)
    if (exec.state === 'created' || exec.state === 'starting') await soon(exec.begun)
    if (!exec.line) throw new DrydockError('no such exec', { status: 404 })
    exec.line.resize(rows, columns)
  }

  async inspect(id: string): Promise<Document> {
    return this.#table.find(id).describe()
  }

  /** At the start of an engine: those that another one has made, and that live, or have ended meanwhile. */
  async recover(): Promise<void> {
    await Promise.all(readRecords(this.#context.dataRoot).map((record) => this.#recover(record)))
  }

  close(): Promise<void> {
    return this.#table.close(this.#context.containers.all())
  }

  async #start(exec: Exec, container: ContainerHandle, { detach, size }: StartOptions) {
    const { request } = exec.record
    const pid = container.pid as number
    const { spec } = container.record
    const { env: variables } = linked(this.#context, container)
    const files = filesOf(exec.id)
    const [rows, columns] = size ?? [0, 0]
    const { tty, stdin, stdout, stderr, detachKeys, argv, env, user, cwd, privileged } = request
    const open = detach ? undefined : { stdin, stdout, stderr: stderr && !tty }
    let socket: Socket | undefined
    const started = await startExec({
      newShim: () => this.#context.newShim(),
      machine: this.#context.machine,
      pid,
      // Without anybody who could type, the input is at its end at once.
      spec: {
        container: { ...spec, env: withLinked(variables, spec.env) },
        argv,
        env,
        user,
        cwd,
        privileged,
        stdin: stdin && !detach,
        ...(tty && { terminal: { rows, columns } }),
      },
      monitor: { detach: true, socketPath: files.socket, exitPath: files.exit },
      monitored: async () => {
        socket?.destroy()
        if (open) socket = await openStreams(files.socket, open)
      },
    }).catch((error) => {
      socket?.destroy()
      // The engine may hear of an end later than the exec runs into it.
      throw container.pid === pid ? error : notRunning(container.id, error)
    })
    exec.record = { ...exec.record, pid: started.pid }
    this.#table.runs(exec, container, lineOf(started.shim))
    // Whoever waits for the start need not wait for this: an engine that finds the shim asks it.
    setImmediate(() => {
      try {
        if (exec.state === 'running') writeRecord(exec.record)
      } catch (error) {
        this.#context.log('warn', sentenceOf(error))
      }
    })
    if (!socket) return undefined
    const keys = tty && stdin ? parseDetachKeys(detachKeys || DEFAULT_DETACH_KEYS) : new Uint8Array()
    const onDetach = () => this.#table.tell(exec, container, 'exec_detach')
    return { tty, stream: new ExecStream({ socket, stdin, keys, onDetach, ended: exec.over }) }
  }

  async #recover(record: ExecRecord): Promise<void> {
    const container = this.#context.containers.all().find(({ id }) => id === record.container)
    const exec = new Exec(record)
    if (!container || (container.running && container.pid !== record.run)) return removeRecord(record.id)
    const control = await Control.open(filesOf(record.id).socket).catch(() => undefined)
    const exitCode = readExit(record.id)
    if (control) {
      const [pid] = readChildren(control.shimPid)
      exec.record = { ...record, ...(pid !== undefined && { pid }) }
      this.#table.add(exec, container)
      this.#table.runs(exec, container, control)
      // Whoever has asked is no more.
      if (record.request.probe) control.signal(SIGKILL)
    } else if (record.pid !== undefined || exitCode !== undefined) {
      this.#table.add(exec, container)
      this.#table.hasEnded(exec, container, exitCode)
    } else if (container.running) this.#table.add(exec, container)
    else removeRecord(record.id)
  }

  #containerOf(exec: Exec): ContainerHandle {
    try {
      return this.#context.containers.find(exec.record.container)
    } catch (cause) {
      throw new DrydockError(`No such exec instance: ${exec.id}`, { status: 404, cause })
    }
  }
}

const conflict = (sentence: string) => new DrydockError(sentence, { status: 409 })

function refuseUnlessAble({ id, status, running }: ContainerHandle, word: string): void {
  if (status === 'restarting') throw conflict(`Container ${id} is restarting, wait until the container is running`)
  if (!running || status === 'removing') throw notRunning(id)
  if (status === 'paused') throw conflict(`Container ${word} is paused, unpause the container before exec`)
}

function lineOf(shim: Shim): ExecLine {
  // Asked for now: nobody listens yet when the shim is lost in the next moment.
  const exited = shim.exited.catch(() => undefined)
  return {
    exited,
    resize: (rows, columns) => shim.resize(rows, columns),
    signal: (number) => shim.signal(number),
    close: () => void shim.close(),
  }
}

async function soon(begun: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DrydockError('timeout waiting for exec session ready', { status: 409 })), RESIZE_PATIENCE)
  })
  try {
    await Promise.race([begun, late])
  } finally {
    clearTimeout(timer)
  }
}
