/** One exec: from what was asked for to its exit code. */
import type { Exit } from '../../kernel/frames.js'
import { parseDetachKeys } from '../keys.js'
import type { Document } from '../types.js'
import type { ExecRecord } from './exec-record.js'

/** A living exec's shim, as whoever started it has it, or as an engine has it that found it running. */
export interface ExecLine {
  /** How the program ended; undefined when its shim was lost before it could say so. */
  readonly exited: Promise<Exit | undefined>
  resize(rows: number, columns: number): void
  signal(number: number): void
  close(): void
}

export type ExecState = 'created' | 'starting' | 'running' | 'ended'

export class Exec {
  state: ExecState = 'created'
  record: ExecRecord
  line: ExecLine | undefined
  exitCode: number | undefined
  /** When it ended, in milliseconds of this process's clock. */
  endedAt = 0
  /** Resolves when the program runs, or never will. */
  readonly begun: Promise<void>
  /** Resolves when its exit code is known. */
  readonly over: Promise<void>
  #begin: () => void = () => undefined
  #end: () => void = () => undefined

  constructor(record: ExecRecord) {
    this.record = record
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  get id(): string {
    return this.record.id
  }

  /** As events name it: docker has a space behind the program's name, with or without arguments. */
  get command(): string {
    const [program, ...rest] = this.record.request.argv
    return `${program} ${rest.join(' ')}`
  }

  hasBegun(line: ExecLine): void {
    this.state = 'running'
    this.line = line
    this.#begin()
  }

  /** It is gone before it has begun. */
  isForgotten(): void {
    this.#begin()
  }

  hasEnded(exitCode: number): void {
    this.state = 'ended'
    this.exitCode = exitCode
    this.endedAt = performance.now()
    this.line = undefined
    this.#begin()
    this.#end()
  }

  /** Docker's ExecInspect. */
  describe(): Document {
    const { request, container, pid } = this.record
    const [entrypoint, ...rest] = request.argv
    return {
      ID: this.id,
      Running: this.state === 'running',
      ExitCode: this.exitCode ?? null,
      ProcessConfig: {
        tty: request.tty,
        entrypoint,
        arguments: rest,
        privileged: request.privileged,
        ...(request.user !== '' && { user: request.user }),
      },
      OpenStdin: request.stdin,
      OpenStderr: request.stderr,
      OpenStdout: request.stdout,
      // Docker says so of all: they go with their container.
      CanRemove: false,
      ContainerID: container,
      DetachKeys: Buffer.from(parseDetachKeys(request.detachKeys)).toString('base64'),
      Pid: pid ?? 0,
    }
  }
}
