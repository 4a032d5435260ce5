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
import { notRunning, StartError, startExec } from '../../container/index.js'
import { Control, openStreams } from '../../kernel/control.js'
import { DrydockError } from '../../kernel/errors.js'
import { randomBytes } from '../../kernel/random.js'
import type { Shim } from '../../kernel/shim.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../context.js'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../keys.js'
import type { Attached, Document, ExecsNoun } from '../types.js'
import { Exec, type ExecLine } from './exec.js'
import { type ExecRecord, filesOf, readExit, readRecords, removeRecord, writeRecord } from './exec-record.js'
import { execRequest, sizeOf } from './exec-request.js'
import { ExecStream } from './exec-stream.js'

/** How long a resize waits for the program to run, as docker's does, in milliseconds. */
const RESIZE_PATIENCE = 10_000

/** For so long an exec that has ended can be asked about, as docker keeps it for five to ten minutes; milliseconds. */
const KEPT = 10 * 60 * 1000

/** Docker's exit code of an exec that could not be started, when its own fault is neither of the two that shells know. */
const UNKNOWN_FAILURE = 126

const SIGKILL = 9

export class Execs implements ExecsNoun {
  readonly #context: EngineContext
  readonly #execs = new Map<string, Exec>()
  /** Those that run, also when they are nobody's any more. */
  readonly #living = new Set<Exec>()
  /** In the order of their ends. */
  readonly #ended: Exec[] = []
  #closing = false
  /** Containers whose end, or removal, is waited for. */
  readonly #watched = new WeakMap<ContainerHandle, { run: boolean }>()

  constructor(context: EngineContext) {
    this.#context = context
  }

  async create(word: string, body: Document): Promise<{ readonly Id: string }> {
    const container = this.#context.containers.find(word)
    refuseUnlessAble(container, word)
    const request = execRequest(body)
    this.#forgetOld()
    const record: ExecRecord = {
      version: 1,
      id: randomBytes(32).toString('hex'),
      dataRoot: this.#context.dataRoot,
      container: container.id,
      run: container.pid,
      request,
    }
    writeRecord(record)
    const exec = new Exec(record)
    this.#add(exec, container)
    this.#tell(exec, container, `exec_create: ${exec.command}`)
    return { Id: exec.id }
  }

  async start(id: string, body: Parameters<ExecsNoun['start']>[1]): Promise<Attached | undefined> {
    const exec = this.#find(id)
    const container = this.#containerOf(exec)
    if (exec.state === 'ended') throw conflict(`Error: Exec command ${id} has already run`)
    if (exec.state !== 'created') throw conflict(`Error: Exec command ${id} is already running`)
    refuseUnlessAble(container, container.id)
    const size = sizeOf(body.ConsoleSize) ?? exec.record.request.size
    exec.state = 'starting'
    this.#tell(exec, container, `exec_start: ${exec.command}`)
    try {
      return await this.#start(exec, container, { detach: body.Detach === true, ...(size && { size }) })
    } catch (error) {
      container.execs.delete(exec.id)
      removeRecord(exec.id)
      exec.hasEnded(error instanceof StartError && error.exitCode !== 125 ? error.exitCode : UNKNOWN_FAILURE)
      this.#ended.push(exec)
      throw error
    }
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    const exec = this.#find(id)
    if (exec.state === 'created' || exec.state === 'starting') await soon(exec.begun)
    if (!exec.line) throw new DrydockError('no such exec', { status: 404 })
    exec.line.resize(rows, columns)
  }

  async inspect(id: string): Promise<Document> {
    return this.#find(id).describe()
  }

  /** At the start of an engine: those that another one has made, and that live, or have ended meanwhile. */
  async recover(): Promise<void> {
    await Promise.all(readRecords(this.#context.dataRoot).map((record) => this.#recover(record)))
  }

  /** Leave what runs to its shims. Those that end with their containers at this moment are seen to their end. */
  async close(): Promise<void> {
    this.#closing = true
    const alive = new Set(this.#context.containers.all().flatMap(({ id, running }) => (running ? [id] : [])))
    await Promise.all(
      [...this.#living].map(async (exec) => {
        if (alive.has(exec.record.container)) exec.line?.close()
        else await exec.over
      }),
    )
  }

  async #start(exec: Exec, container: ContainerHandle, { detach, size }: { detach: boolean; size?: readonly [number, number] }) {
    const { request } = exec.record
    const pid = container.pid as number
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
        container: container.record.spec,
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
    writeRecord(exec.record)
    this.#runs(exec, container, lineOf(started.shim))
    if (!socket) return undefined
    const keys = tty && stdin ? parseDetachKeys(detachKeys || DEFAULT_DETACH_KEYS) : new Uint8Array()
    const onDetach = () => this.#tell(exec, container, 'exec_detach')
    return { tty, stream: new ExecStream({ socket, stdin, keys, onDetach, ended: exec.over }) }
  }

  #runs(exec: Exec, container: ContainerHandle, line: ExecLine): void {
    exec.state = 'running'
    exec.line = line
    this.#living.add(exec)
    exec.hasBegun()
    void line.exited.then((exit) => {
      // The engine goes, and the exec stays.
      if (exit || !this.#closing || !container.running) this.#ends(exec, container, exit?.code ?? readExit(exec.id) ?? 128 + SIGKILL)
    })
  }

  #ends(exec: Exec, container: ContainerHandle, exitCode: number): void {
    exec.hasEnded(exitCode)
    this.#ended.push(exec)
    this.#living.delete(exec)
    container.execs.delete(exec.id)
    removeRecord(exec.id)
    this.#tell(exec, container, 'exec_die', { exitCode: String(exitCode) })
  }

  async #recover(record: ExecRecord): Promise<void> {
    const container = this.#context.containers.all().find(({ id }) => id === record.container)
    const exec = new Exec(record)
    if (!container || (container.running && container.pid !== record.run)) return removeRecord(record.id)
    if (record.pid === undefined) {
      if (container.running) this.#add(exec, container)
      else removeRecord(record.id)
      return
    }
    this.#add(exec, container)
    const control = await Control.open(filesOf(record.id).socket).catch(() => undefined)
    if (control) this.#runs(exec, container, control)
    else this.#ends(exec, container, readExit(record.id) ?? 128 + SIGKILL)
  }

  #add(exec: Exec, container: ContainerHandle): void {
    this.#execs.set(exec.id, exec)
    container.execs.add(exec.id)
    this.#watch(container)
  }

  /** With a run of the container its execs end, and those that never began are gone; with the container, all are forgotten. */
  #watch(container: ContainerHandle): void {
    let watched = this.#watched.get(container)
    if (!watched) {
      watched = { run: false }
      this.#watched.set(container, watched)
      void container.removed.then(() => this.#drop(container, () => true))
    }
    if (watched.run || !container.running) return
    const state = watched
    state.run = true
    void container.ended.then(() => {
      state.run = false
      this.#drop(container, ({ state }) => state === 'created')
      // Its pid namespace has taken them along, if it has one of its own.
      for (const exec of this.#of(container)) exec.line?.signal(SIGKILL)
    })
  }

  #of(container: ContainerHandle): Exec[] {
    return [...this.#execs.values()].filter(({ record }) => record.container === container.id)
  }

  #drop(container: ContainerHandle, which: (exec: Exec) => boolean): void {
    for (const exec of this.#of(container).filter(which)) {
      this.#execs.delete(exec.id)
      container.execs.delete(exec.id)
      exec.hasBegun()
      // The shim of one that runs has still to write its exit.
      if (!this.#living.has(exec)) removeRecord(exec.id)
    }
  }

  #forgetOld(): void {
    const before = performance.now() - KEPT
    while (this.#ended[0] && this.#ended[0].endedAt < before) this.#execs.delete((this.#ended.shift() as Exec).id)
  }

  #find(id: string): Exec {
    const exec = this.#execs.get(id)
    if (exec) return exec
    throw new DrydockError(`No such exec instance: ${id}`, { status: 404 })
  }

  #containerOf(exec: Exec): ContainerHandle {
    try {
      return this.#context.containers.find(exec.record.container)
    } catch (cause) {
      throw new DrydockError(`No such exec instance: ${exec.id}`, { status: 404, cause })
    }
  }

  #tell(exec: Exec, container: ContainerHandle, action: string, more: Readonly<Record<string, string>> = {}): void {
    const attributes = { ...attributesOf(container), execID: exec.id, ...more }
    this.#context.events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributes })
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
    timer = setTimeout(() => reject(new DrydockError('timeout waiting for exec session ready', { status: 500 })), RESIZE_PATIENCE)
  })
  try {
    await Promise.race([begun, late])
  } finally {
    clearTimeout(timer)
  }
}

export const execsOf = (context: EngineContext): Execs => new Execs(context)
