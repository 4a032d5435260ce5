/**
 * The client of one shim: sends steps, receives what they answered, and hears of the container's life after its execve.
 *
 *     const shim = await spawner.shim()
 *     await shim.run([clone('uts', 'pid', 'mnt'), sethostname('box'), …])
 *     const exit = await shim.exited
 *
 * Closing the connection (also by dying) makes an attended shim kill its child and undo what was done.
 */
import { EventEmitter, once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { drained } from './drained.js'
import { encodeBatch, Slots } from './encode.js'
import { DrydockError } from './errors.js'
import {
  type Exit,
  FROM_SHIM,
  FrameReader,
  frameHeader,
  type ResultFrame,
  readExit,
  readResult,
  signalBody,
  sizeBody,
  TO_SHIM,
} from './frames.js'
import type { LeanBatch } from './lean.js'
import { encodeMonitor, type MonitorSettings } from './monitor.js'
import { type Result, StepError } from './result.js'
import { type Step, withActor, withActors } from './step.js'

const PROTOCOL_VERSION = 2
const MONITOR_BATCH = 0xffff_ffff

interface Events {
  /** The child runs another program now; its pid as the shim sees it. */
  exec: [pid: number]
  /** Output of an attended container: 1 stdout (or the terminal), 2 stderr. */
  output: [stream: 1 | 2, bytes: Buffer]
  exit: [exit: Exit]
  /** One undo step was run. */
  undone: [outcome: Pick<ResultFrame, 'ret' | 'errno' | 'nanoseconds' | 'status'>]
  /** The shim has ended (or is gone, then with an error). */
  ended: [error?: Error]
}

interface Pending {
  steps: readonly Result['step'][]
  results: Result[]
  resolve(results: Result[]): void
  reject(error: Error): void
}

/** A quiet batch: what was heard of it. */
interface Quiet {
  readonly frames: ResultFrame[]
  resolve(frames: ResultFrame[]): void
  reject(error: Error): void
}

export class Shim extends EventEmitter<Events> {
  readonly #socket: Socket
  readonly #slots = new Slots()
  readonly #pending = new Map<number, Pending>()
  readonly #quiet = new Map<number, Quiet>()
  #nextBatch = 1
  #pid = 0
  #childPid: number | undefined
  #exit: Exit | undefined
  #ended = false
  #leaving = false
  #helloed: (() => void) | undefined

  private constructor(socket: Socket) {
    super()
    this.setMaxListeners(0)
    this.#socket = socket
    const reader = new FrameReader()
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk, (type, body) => this.#receive(type, body))
      } catch (error) {
        this.#end(error as Error)
        socket.destroy()
      }
    })
    socket.on('error', (error) => this.#end(new DrydockError(`the connection to the shim broke: ${error.message}`, { cause: error })))
    socket.on('close', () => this.#end(this.#exit || this.#leaving ? undefined : new DrydockError('the shim closed the connection')))
  }

  /** A fresh shim from a spawner's socket: every connection to it is one. */
  static async connect(path: string): Promise<Shim> {
    return Shim.over(createConnection(path))
  }

  /** The client over a stream on which a shim answers already. */
  static async over(socket: Socket): Promise<Shim> {
    const shim = new Shim(socket)
    await new Promise<void>((resolve, reject) => {
      const lost = (error?: Error) => reject(error ?? new DrydockError('the shim ended before it said hello'))
      shim.once('ended', lost)
      shim.#helloed = () => {
        shim.off('ended', lost)
        resolve()
      }
    })
    return shim
  }

  /** The shim's own process id, in its own pid namespace. */
  get pid(): number {
    return this.#pid
  }

  /** The child's process id as the shim sees it, once it was cloned. */
  get childPid(): number | undefined {
    return this.#childPid
  }

  /** How the child ended; rejects when the shim is lost before that. */
  get exited(): Promise<Exit> {
    if (this.#exit) return Promise.resolve(this.#exit)
    if (this.#ended) return Promise.reject(new DrydockError('the shim ended without saying how its child did'))
    return new Promise((resolve, reject) => {
      const lost = (error?: Error) => reject(error ?? new DrydockError('the shim ended before its child did'))
      this.once('ended', lost)
      this.once('exit', (exit) => {
        this.off('ended', lost)
        resolve(exit)
      })
    })
  }

  /** Resolves when the shim has ended, whatever the reason; everything it had to undo is undone then. */
  get ended(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.once('ended', () => resolve())
    })
  }

  /** Run steps in order; the first failure that the step does not allow stops them and is thrown as a StepError. */
  async run(steps: readonly Step[]): Promise<Result[]> {
    const results = await this.attempt(steps)
    const failed = results.find(({ status }) => status === 'failed')
    if (failed) throw new StepError(failed)
    return results
  }

  /** Run steps in order and return what each answered; nothing is thrown for a step that fails, the rest is 'not run'. */
  attempt(steps: readonly Step[]): Promise<Result[]> {
    return this.#batch(TO_SHIM.batch, steps)
  }

  /** The same, of which only those results come that say something (native/PROTOCOL.md, QUIET): a step without one has succeeded. Before the execve. */
  attemptQuietly(steps: readonly Step[]): Promise<Result[]> {
    return this.#batch(TO_SHIM.quiet, steps)
  }

  async #batch(type: number, steps: readonly Step[]): Promise<Result[]> {
    if (steps.length === 0) return []
    this.#alive()
    const resolved = this.#actors(steps)
    const batch = this.#nextBatch
    const frame = encodeBatch(batch, resolved, this.#slots, type)
    this.#nextBatch++
    const answer = new Promise<Result[]>((resolve, reject) => {
      this.#pending.set(batch, { steps: resolved, results: [], resolve, reject })
    })
    if (!this.#socket.destroyed) this.#socket.write(frame)
    return answer
  }

  /**
   * Many steps that mostly succeed, encoded already; only those answers come that say something (native/PROTOCOL.md, QUIET), and nothing is
   * thrown for a step that fails. Several may be under way: the shim makes them in order. The batch may be used again when it is answered.
   */
  async quiet(batch: LeanBatch): Promise<ResultFrame[]> {
    this.#alive()
    const number = this.#nextBatch++
    const answer = new Promise<ResultFrame[]>((resolve, reject) => {
      this.#quiet.set(number, { frames: [], resolve, reject })
    })
    if (!this.#socket.destroyed) this.#socket.write(batch.frame(number))
    return answer
  }

  /** The slot in which the shim keeps a number under this name; for lean batches. */
  slot(name: string): number {
    return this.#slots.define(name)
  }

  /** Say what the shim does with the container after its execve; before the steps that contain it. */
  async monitor(settings: MonitorSettings): Promise<void> {
    this.#alive()
    const body = encodeMonitor(settings, this.#slots)
    const answer = new Promise<Result[]>((resolve, reject) => {
      this.#pending.set(MONITOR_BATCH, { steps: [{ call: 'monitor', args: [], actor: 'host' }], results: [], resolve, reject })
    })
    this.#write(TO_SHIM.monitor, body)
    const [result] = await answer
    if (result?.status !== 'ok') throw new StepError(result as Result, 'a path that the monitor needs cannot be opened')
  }

  /** What is said within goes out as one message, so that the shim is woken once. */
  together<T>(act: () => T): T {
    this.#socket.cork()
    try {
      return act()
    } finally {
      this.#socket.uncork()
    }
  }

  /** Bytes for the container's stdin. False when the caller should wait for `drained` before the next ones. */
  stdin(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true
    return this.#write(TO_SHIM.stdin, bytes)
  }

  /** Resolves when what was written has gone to the shim, or never will. */
  async drained(): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableLength === 0) return
    await drained(this.#socket)
  }

  closeStdin(): void {
    this.#write(TO_SHIM.stdin)
  }

  resize(rows: number, columns: number): void {
    this.#write(TO_SHIM.resize, sizeBody(rows, columns))
  }

  signal(number: number): void {
    this.#write(TO_SHIM.signal, signalBody(number))
  }

  /** Leave a running container to its shim, which undoes what is to be undone when it has ended. Resolves when it has let go. */
  async leave(): Promise<void> {
    this.#alive()
    this.#leaving = true
    const closed = this.ended
    this.#write(TO_SHIM.leave)
    await closed
  }

  /** Kill the child, undo what was done, end the shim. Safe at any time, also twice. */
  async rollback(): Promise<void> {
    if (this.#ended) return
    const ended = this.ended
    this.#write(TO_SHIM.rollback)
    await ended
  }

  /** Leave: an attended shim undoes everything, a detached one goes on alone. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }

  /** Keep, or do not keep, Node alive while the shim lives. */
  unref(): this {
    this.#socket.unref()
    return this
  }

  ref(): this {
    this.#socket.ref()
    return this
  }

  #actors(steps: readonly Step[]): Result['step'][] {
    // After the clone of an earlier batch, steps without an actor are the container's.
    if (this.#childPid === undefined) return withActors(steps)
    return steps.map((step) => withActor(step, step.actor ?? 'container'))
  }

  #alive(): void {
    if (this.#ended) throw new DrydockError('the shim has ended; no more steps can be run')
  }

  #write(type: number, ...parts: Uint8Array[]): boolean {
    if (this.#socket.destroyed) return false
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    this.#socket.cork()
    let flushed = this.#socket.write(frameHeader(type, length))
    for (const part of parts) flushed = this.#socket.write(part)
    this.#socket.uncork()
    return flushed
  }

  #receive(type: number, body: Buffer): void {
    switch (type) {
      case FROM_SHIM.hello: {
        const version = body.readUInt32LE(0)
        if (version !== PROTOCOL_VERSION) {
          throw new DrydockError(
            `the shim speaks version ${version} of the protocol, this program ${PROTOCOL_VERSION}: run \`make -C native\``,
          )
        }
        this.#pid = body.readUInt32LE(4)
        this.#helloed?.()
        return
      }
      case FROM_SHIM.result:
        return this.#receiveResult(readResult(body))
      case FROM_SHIM.done:
        return this.#finish(body.readUInt32LE(0))
      case FROM_SHIM.exec:
        this.emit('exec', body.readUInt32LE(0))
        return
      case FROM_SHIM.output:
        this.emit('output', body[0] === 2 ? 2 : 1, Buffer.from(body.subarray(1)))
        return
      case FROM_SHIM.exit:
        this.#exit = readExit(body)
        this.emit('exit', this.#exit)
        return
      case FROM_SHIM.undone:
        if (this.listenerCount('undone') > 0) this.emit('undone', readResult(body))
        return
      case FROM_SHIM.error:
        throw new DrydockError(`the shim refused a message: ${body.subarray(1).toString()}`)
      case FROM_SHIM.ended:
        this.#end(undefined)
        return
      default:
        throw new DrydockError(`the shim sent a frame of unknown type ${type}`)
    }
  }

  #receiveResult(frame: ResultFrame): void {
    const quiet = this.#quiet.get(frame.batch)
    if (quiet) {
      quiet.frames.push(frame)
      return
    }
    const pending = this.#pending.get(frame.batch)
    const step = pending?.steps[frame.index]
    if (!pending || !step) throw new DrydockError(`the shim answered step ${frame.index} of batch ${frame.batch}, which was not asked`)
    const { status, ret, errno, nanoseconds, outs } = frame
    pending.results.push({ step, status, ret, errno, nanoseconds, outs })
    if (step.call === 'clone3' && status === 'ok') this.#childPid = Number(ret)
    if (frame.batch === MONITOR_BATCH) this.#finish(MONITOR_BATCH)
  }

  #finish(batch: number): void {
    const quiet = this.#quiet.get(batch)
    this.#quiet.delete(batch)
    quiet?.resolve(quiet.frames)
    const pending = this.#pending.get(batch)
    this.#pending.delete(batch)
    pending?.resolve(pending.results)
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    for (const pending of [...this.#pending.values(), ...this.#quiet.values()]) {
      pending.reject(error ?? new DrydockError('the shim ended before it answered'))
    }
    this.#pending.clear()
    this.#quiet.clear()
    this.emit('ended', error)
    this.#socket.destroy()
  }
}
