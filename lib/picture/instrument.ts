/**
 * What a picture is taken with where Node cannot look itself: a shim, which asks by ioctl(2) and netlink, and goes into other network namespaces for
 * that. It is no part of the picture. It makes nothing and holds nothing between two pictures: a socket that was kept would keep a container's network
 * alive when the container has ended.
 */
import { constant, flags } from '../kernel/constants.js'
import { sentenceOf } from '../kernel/errors.js'
import type { ResultFrame } from '../kernel/frames.js'
import { LeanBatch, type LeanCall, lean } from '../kernel/lean.js'
import { loneShim } from '../kernel/lone.js'
import type { Shim } from '../kernel/shim.js'
import type { Missing } from './missing.js'

/** By the number of the step. Nothing is heard of a step that has nothing to say. */
export type Answers = ReadonlyMap<number, ResultFrame>

/** Whatever is gone or may not be seen, and what follows from that for the steps after it. */
const NOT_THERE = [
  'ENOENT',
  'ESRCH',
  'EACCES',
  'EPERM',
  'EBADF',
  'EBADSLT',
  'EINVAL',
  'ENOTTY',
  'ENODEV',
  'EOPNOTSUPP',
  'ENODATA',
  'ENOTSUP',
]

export class Instrument {
  #shim: Promise<Shim> | undefined
  #pids = new Set<number>()

  /** Its own processes. */
  get pids(): ReadonlySet<number> {
    return this.#pids
  }

  /** The calls of one batch, in order; errors that say that a thing is not there (any more) stop nothing. */
  async ask(write: (batch: Questions) => void, missing: Missing): Promise<Answers> {
    let shim: Shim | undefined
    try {
      shim = (await this.#open()).ref()
      const batch = new Questions(shim)
      write(batch)
      if (batch.steps === 0) return new Map()
      const frames = await shim.quiet(batch)
      return new Map(frames.map((frame) => [frame.index, frame]))
    } catch (error) {
      missing.say(`What only a process of its own can ask the kernel is not shown: ${sentenceOf(error)}`)
      return new Map()
    } finally {
      shim?.unref()
    }
  }

  async close(): Promise<void> {
    const shim = this.#shim
    this.#shim = undefined
    this.#pids = new Set()
    if (shim) await (await shim).rollback()
  }

  async #open(): Promise<Shim> {
    this.#shim ??= loneShim().then((shim) => {
      this.#pids.add(shim.pid)
      // Somebody has killed it: the next picture has another one.
      shim.once('ended', () => {
        this.#shim = undefined
      })
      return shim.unref()
    })
    return this.#shim
  }
}

/** struct stat: st_ino, the same on every 64-bit architecture. */
const STAT_SIZE = 144
const INODE_AT = 8

/** A batch, and the calls that pictures need. Each returns the number of its step. */
export class Questions extends LeanBatch {
  readonly #shim: Shim
  readonly #calls = new Map<string, LeanCall>()

  constructor(shim: Shim) {
    super(4096)
    this.#shim = shim
  }

  /** open(2) for reading, kept under a name. */
  open(path: string, name: string): number {
    return this.#step(this.#call('openat', 4, name), () =>
      this.int(constant('at', 'fdcwd'))
        .path(path)
        .int(flags('open', ['rdonly', 'cloexec']))
        .int(0),
    )
  }

  /** ioctl(2) on a namespace, ioctl_ns(2): the descriptor of another one is kept under a name. */
  namespaceOf(of: string, request: 'ns_get_userns' | 'ns_get_parent', name: string): number {
    return this.#step(this.#call('ioctl', 3, name), () => this.slot(this.#shim.slot(of)).int(constant('ioctl', request)).int(0))
  }

  /** fstat(2): see inodeOf. */
  stat(name: string): number {
    return this.#step(this.#call('fstat', 2), () => this.slot(this.#shim.slot(name)).out(STAT_SIZE))
  }

  close(name: string): number {
    return this.#step(this.#call('close', 1), () => this.slot(this.#shim.slot(name)))
  }

  path(path: string): this {
    return this.bytes(Buffer.from(path))
  }

  #step(call: LeanCall, write: () => void): number {
    const index = this.steps
    this.begin(call)
    write()
    this.end()
    return index
  }

  #call(name: string, args: number, keep?: string): LeanCall {
    const key = `${name} ${keep}`
    const known = this.#calls.get(key)
    if (known) return known
    const kept = keep === undefined ? {} : { keep: this.#shim.slot(keep) }
    const made = lean(name, args, { actor: 'host', allow: NOT_THERE, ...kept })
    this.#calls.set(key, made)
    return made
  }
}

/** The inode number that an fstat answered. */
export function inodeOf(frame: ResultFrame | undefined): number | undefined {
  return frame?.status === 'ok' ? Number(frame.outs[0]?.readBigUInt64LE(INODE_AT)) : undefined
}
