/**
 * What a picture is taken with where Node cannot look itself: a shim, which asks by ioctl(2) and netlink, and goes into other network namespaces for
 * that. It is no part of the picture. It makes nothing and holds nothing between two pictures: a socket that was kept would keep a container's network
 * alive when the container has ended.
 */
import type { NetlinkMessage } from '../kernel/calls/sockets.js'
import { constant, flags } from '../kernel/constants.js'
import { sentenceOf } from '../kernel/errors.js'
import type { ResultFrame } from '../kernel/frames.js'
import { LeanBatch, type LeanCall, lean } from '../kernel/lean.js'
import { loneShim, withLoneShim } from '../kernel/lone.js'
import { readProcess } from '../kernel/proc/processes.js'
import type { Shim } from '../kernel/shim.js'
import type { Word } from '../kernel/words.js'
import type { Missing } from './missing.js'

/** By the number of the step. Nothing is heard of a step that has nothing to say. */
export type Answers = ReadonlyMap<number, ResultFrame>

/** Whatever is gone, may not be seen or is not known to this kernel, and what follows from that for the steps after it. */
const NOT_THERE = [
  ...['ENOENT', 'ESRCH', 'ENOTDIR', 'ELOOP', 'ENODEV', 'ENODATA', 'ENXIO', 'ESTALE', 'ENOTCONN'],
  ...['EACCES', 'EPERM'],
  ...['EBADF', 'EBADSLT'],
  ...['EINVAL', 'ENOTTY', 'EOPNOTSUPP', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'ENOSYS'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSPC', 'EUSERS', 'EAGAIN', 'EBUSY', 'ERANGE', 'EIO'],
]

export class Instrument {
  #shim: Promise<Shim> | undefined
  /** By pid, when each was started: one that has said its last word is a process for a moment longer, and a pid may be given again. */
  readonly #started = new Map<number, number | undefined>()

  /** Its own processes, those too that are about to end. */
  get pids(): ReadonlySet<number> {
    for (const [pid, ticks] of this.#started) {
      const now = readProcess(pid)
      if (now === undefined || now.startTicks !== ticks) this.#started.delete(pid)
    }
    return new Set(this.#started.keys())
  }

  /** The calls of one batch, in order; errors that say that a thing is not there (any more) stop nothing. */
  async ask(write: (batch: Questions) => void, missing: Missing): Promise<Answers> {
    let shim: Shim | undefined
    try {
      shim = (await this.#open()).ref()
      return await answersOf(shim, write)
    } catch (error) {
      missing.say(`What only a process of its own can ask the kernel is not shown: ${sentenceOf(error)}`)
      return new Map()
    } finally {
      shim?.unref()
    }
  }

  /**
   * The same by a shim that first enters the user namespace of a process, where its user is an administrator. There is no way back out of one, and who
   * stayed in it would keep it alive: that shim ends with the batch.
   */
  async askWithin(pid: number, write: (batch: Questions) => void, missing: Missing): Promise<Answers> {
    try {
      return await withLoneShim((shim) => {
        this.knows(shim)
        return answersOf(shim, (batch) => {
          batch.enter(`/proc/${pid}/ns/user`, 'user')
          write(batch)
        })
      })
    } catch (error) {
      missing.say(`What only a process inside can ask the kernel is not shown: ${sentenceOf(error)}`)
      return new Map()
    }
  }

  async close(): Promise<void> {
    const shim = this.#shim
    this.#shim = undefined
    // No program stays for it, but for its end: otherwise this could be where a program ends that waits for nothing else.
    if (shim) await (await shim).ref().rollback()
  }

  /** One of its own, from its first moment on. */
  knows({ pid }: Shim): void {
    this.#started.set(pid, readProcess(pid)?.startTicks)
  }

  #open(): Promise<Shim> {
    if (this.#shim) return this.#shim
    // The one that is there then may be another one already.
    const forget = () => {
      if (this.#shim === started) this.#shim = undefined
    }
    const started = this.#start(forget)
    started.catch(forget)
    this.#shim = started
    return started
  }

  async #start(forget: () => void): Promise<Shim> {
    const shim = await loneShim()
    this.knows(shim)
    // Somebody has killed it: the next picture has another one.
    shim.once('ended', forget)
    await answersOf(shim, (batch) => {
      for (const kind of ['net', 'uts']) batch.open(`/proc/self/ns/${kind}`, `home ${kind}`)
    })
    return shim.unref()
  }
}

async function answersOf(shim: Shim, write: (batch: Questions) => void): Promise<Answers> {
  const batch = new Questions(shim)
  write(batch)
  if (batch.steps === 0) return new Map()
  const frames = await shim.quiet(batch)
  return new Map(frames.map((frame) => [frame.index, frame]))
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

  /** setns(2) by the file of a namespace. The number of the step that failed if one did is this or the one before. */
  enter(path: string, kind: 'net' | 'uts' | 'user'): number {
    this.open(path, 'entered')
    const index = this.#setns('entered', kind)
    this.close('entered')
    return index
  }

  /** Back to the namespace that the instrument was born in: it must keep no other alive. */
  leave(kind: 'net' | 'uts'): number {
    return this.#setns(`home ${kind}`, kind)
  }

  /** lgetxattr(2): the first two bytes of an attribute. */
  attribute(path: string, name: string): number {
    return this.#step(this.#call('lgetxattr', 4), () => this.path(path).path(name).out(2).int(2))
  }

  /** uname(2), six strings of 65 bytes. */
  uname(): number {
    return this.#step(this.#call('uname', 1), () => this.out(6 * 65))
  }

  #setns(name: string, kind: 'net' | 'uts' | 'user'): number {
    return this.#step(this.#call('setns', 2), () => this.slot(this.#shim.slot(name)).int(constant('clone', kind)))
  }

  /** A netlink socket of the network namespace that the instrument is in. */
  socket(protocol: Word<'netlink_protocol'>, name: string): number {
    const type = flags('socket_type', ['raw', 'cloexec'])
    return this.#step(this.#call('socket', 3, name), () =>
      this.int(constant('socket_family', 'netlink')).int(type).int(constant('netlink_protocol', protocol)),
    )
  }

  /** One request of netlink; room for so many bytes of answers: see answerIn. */
  netlink(name: string, { bytes }: NetlinkMessage, room: number): number {
    return this.#step(this.#call('netlink', 3), () => this.slot(this.#shim.slot(name)).bytes(bytes).out(room))
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

/** The bytes that a netlink request was answered with, and how many there were: more, when there was not room for all. */
export function answerIn(frame: ResultFrame | undefined): { bytes: Buffer; length: number } | undefined {
  const [out] = frame?.outs ?? []
  if (frame?.status !== 'ok' || !out) return undefined
  const length = Number(frame.ret)
  return { bytes: out.subarray(0, Math.min(length, out.length)), length }
}

/** Does an attribute's value begin with a y? */
export const startsWithY = (frame: ResultFrame | undefined): boolean => frame?.status === 'ok' && frame.outs[0]?.[0] === 'y'.charCodeAt(0)
