/**
 * Steps on their way to the confined process: collected in batches, a few of which are under way at any time, so that this program and the other
 * work at once and neither holds more than a few hundred kilobytes of the other's. The first step that fails is the end.
 */
import { errnoOf } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import type { ResultFrame } from '../../kernel/frames.js'
import { LeanBatch, type LeanCall } from '../../kernel/lean.js'
import type { Shim } from '../../kernel/shim.js'
import { showName } from '../tar/index.js'

/** A batch is sent when it has so many bytes, or so many steps. */
const ENOUGH_BYTES = 256 * 1024
const ENOUGH_STEPS = 4096
const UNDER_WAY = 3

/** Of a batch: whose steps begin where; and what steps return that all is well with, where the shim does not know. */
interface Load {
  readonly batch: LeanBatch
  indexes: number[]
  paths: string[]
  expected: Map<number, number>
}

/** A step failed in a way that it allows. */
export type Allowed = (path: string, call: string, errno: string) => void

/** What is said of a step that failed in another way. */
export type Failed = (path: string, call: string, errno: { readonly name: string; readonly text: string }) => Error

export class Sender {
  readonly #shim: Shim
  readonly #allowed: Allowed
  readonly #failed: Failed
  readonly #spare: Load[] = []
  readonly #underWay: Promise<void>[] = []
  #load: Load = newLoad()
  #path = ''
  #error: unknown

  constructor(shim: Shim, allowed: Allowed, failed: Failed = failure) {
    this.#shim = shim
    this.#allowed = allowed
    this.#failed = failed
  }

  /** Whose steps come next, for what is said of one that fails. */
  about(path: string): void {
    this.#path = path
    this.#load.indexes.push(this.#load.batch.steps)
    this.#load.paths.push(path)
  }

  /** A new step; its arguments and its end follow at once. `expected`: what it returns when all is done, for other calls than write(2) and its like. */
  step(call: LeanCall, expected?: number): LeanBatch {
    const { batch } = this.#load
    if (batch.length >= ENOUGH_BYTES || batch.steps >= ENOUGH_STEPS) this.flush()
    if (expected !== undefined) this.#load.expected.set(this.#load.batch.steps, expected)
    return this.#load.batch.begin(call)
  }

  /** Send what there is. */
  flush(): void {
    const load = this.#load
    if (load.batch.steps === 0) return
    this.#load = this.#spare.pop() ?? newLoad()
    this.about(this.#path)
    const answered = this.#shim.quiet(load.batch).then(
      (frames) => this.#take(load, frames),
      (error) => {
        this.#error ??= error
      },
    )
    this.#underWay.push(answered)
  }

  /** Wait until few enough batches are under way. Throws what became of a step. */
  async room(): Promise<void> {
    while (this.#underWay.length > UNDER_WAY) await this.#underWay.shift()
    if (this.#error !== undefined) throw this.#error
  }

  /** Send what there is, and wait for all. */
  async done(): Promise<void> {
    this.flush()
    while (this.#underWay.length > 0) await this.#underWay.shift()
    if (this.#error !== undefined) throw this.#error
  }

  #take(load: Load, frames: readonly ResultFrame[]): void {
    for (const { index, status, errno, ret } of frames) {
      const call = load.batch.callOf(index)
      const path = pathAt(load, index)
      if (status === 'allowed') this.#allowed(path, call, errnoOf(errno).name)
      else if (status === 'failed') this.#error ??= this.#failed(path, call, errnoOf(errno))
      else if (status === 'ok' && Number(ret) !== load.expected.get(index))
        this.#error ??= new DrydockError(
          `${show(path)} cannot be unpacked: ${call} wrote ${ret} bytes and then no more: ${whyNoMore(call)}`,
        )
    }
    load.batch.clear()
    load.indexes = []
    load.paths = []
    load.expected.clear()
    this.#spare.push(load)
  }
}

function newLoad(): Load {
  return { batch: new LeanBatch(ENOUGH_BYTES + 160 * 1024), indexes: [], paths: [], expected: new Map() }
}

function pathAt({ indexes, paths }: Load, index: number): string {
  let at = indexes.length - 1
  while (at > 0 && (indexes[at] as number) > index) at--
  return paths[at] ?? ''
}

/** sendfile(2) goes on until it fails or there is nothing more to read. */
const whyNoMore = (call: string) => (call === 'sendfile' ? 'the archive has become shorter' : 'is the disk full?')

const show = (path: string) => showName(Buffer.from(path, 'latin1'))

/** Of errors that can mean one thing only. */
export const CAUSES: Readonly<Record<string, string | undefined>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'that file system is read-only',
  EFBIG: 'the file is larger than this file system or `ulimit -f` allows',
  EMLINK: 'this file system has a limit of hard links to one file',
  ECHILD: 'the process that unpacks it was killed',
}

function failure(path: string, call: string, errno: { name: string; text: string }): DrydockError {
  const cause = CAUSES[errno.name]
  return new DrydockError(`${show(path)} cannot be unpacked: ${call}: ${errno.name} (${errno.text})${cause ? `: ${cause}` : ''}`)
}
