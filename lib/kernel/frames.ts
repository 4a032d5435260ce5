/** Frames of the shim's wire format (native/PROTOCOL.md): cutting the stream, and the bodies of what the shim says. */
import type { Duplex } from 'node:stream'
import { DrydockError } from './errors.js'

export const TO_SHIM = {
  batch: 0x01,
  rollback: 0x02,
  monitor: 0x03,
  stdin: 0x04,
  resize: 0x05,
  signal: 0x06,
  leave: 0x07,
  quiet: 0x08,
  attach: 0x10,
  control: 0x11,
  release: 0x12,
  deliver: 0x13,
} as const

export const FROM_SHIM = {
  hello: 0x81,
  result: 0x82,
  done: 0x83,
  exec: 0x84,
  output: 0x85,
  exit: 0x86,
  undone: 0x87,
  error: 0x88,
  ended: 0x89,
} as const

/** A frame that is never longer than this is accepted (16 MiB, like the shim's own limit, and the header). */
const LONGEST_FRAME = 16 * 1024 * 1024 + 64

/** Header and type of a frame whose body has `length` bytes. */
export function frameHeader(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(5)
  header.writeUInt32LE(length + 1, 0)
  header[4] = type
  return header
}

/** Body of RESIZE: a terminal's size in characters. */
export function sizeBody(rows: number, columns: number): Buffer {
  const body = Buffer.allocUnsafe(4)
  body.writeUInt16LE(rows, 0)
  body.writeUInt16LE(columns, 2)
  return body
}

/** Body of SIGNAL. */
export function signalBody(number: number): Buffer {
  const body = Buffer.allocUnsafe(4)
  body.writeInt32LE(number, 0)
  return body
}

/** Cuts a stream into frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)

  /** Calls `handle` for each whole frame that the stream has brought so far. */
  push(chunk: Buffer, handle: (type: number, body: Buffer) => void): void {
    const data = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    let at = 0
    while (data.length - at >= 4) {
      const length = data.readUInt32LE(at)
      if (length < 1 || length > LONGEST_FRAME) throw new DrydockError(`the shim sent a frame of ${length} bytes, which no frame has`)
      const end = at + 4 + length
      if (data.length < end) break
      handle(data[at + 4] as number, data.subarray(at + 5, end))
      at = end
    }
    this.#pending = data.subarray(at)
  }
}

/**
 * For whoever listens to a monitor that somebody else has started: `read` takes a frame apart, and what it returns is done when all that came was read, so that only
 * what the stream says, and no failure of a listener, counts as `broken`: a language that no monitor speaks.
 */
export function onFrames(stream: Duplex, read: (type: number, body: Buffer) => (() => void) | undefined, broken: () => void): void {
  const reader = new FrameReader()
  stream.on('data', (chunk: Buffer) => {
    const deeds: (() => void)[] = []
    try {
      reader.push(chunk, (type, body) => {
        const deed = read(type, body)
        if (deed) deeds.push(deed)
      })
    } catch {
      broken()
    }
    for (const deed of deeds) deed()
  })
}

/** Body of RESULT and UNDONE. */
export interface ResultFrame {
  batch: number
  index: number
  status: 'ok' | 'failed' | 'allowed' | 'not run'
  ret: bigint
  errno: number
  nanoseconds: number
  outs: readonly Buffer[]
}

const STATUS = ['ok', 'failed', 'allowed', 'not run'] as const

export function readResult(body: Buffer): ResultFrame {
  const outs = body[27] === 0 ? NO_OUTS : readOuts(body)
  return {
    batch: body.readUInt32LE(0),
    index: body.readUInt16LE(4),
    status: STATUS[body[6] as number] ?? 'failed',
    ret: body.readBigInt64LE(7),
    errno: body.readInt32LE(15),
    nanoseconds: body.readUInt32LE(19) + body.readUInt32LE(23) * 2 ** 32,
    outs,
  }
}

/** Most calls have none. */
const NO_OUTS: readonly Buffer[] = []

function readOuts(body: Buffer): Buffer[] {
  const outs: Buffer[] = []
  let at = 28
  for (let left = body.readUInt8(27); left > 0; left--) {
    const length = body.readUInt32LE(at)
    outs.push(Buffer.from(body.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return outs
}

/** How a process ended: waitpid(2)'s status taken apart, and what it used. */
export interface Exit {
  /** Exit code; 128 + n for a signal, as shells and Docker count. */
  readonly code: number
  /** Number of the signal that ended it, or 0. */
  readonly signal: number
  readonly nanoseconds: number
  readonly maxRssKiB: number
  readonly userMicroseconds: number
  readonly systemMicroseconds: number
  readonly oomKilled: boolean
}

export function readExit(body: Buffer): Exit {
  const status = body.readInt32LE(0)
  const signal = status & 0x7f
  return {
    code: signal === 0 ? (status >> 8) & 0xff : 128 + signal,
    signal,
    nanoseconds: Number(body.readBigUInt64LE(4)),
    maxRssKiB: Number(body.readBigUInt64LE(12)),
    userMicroseconds: Number(body.readBigUInt64LE(20)),
    systemMicroseconds: Number(body.readBigUInt64LE(28)),
    oomKilled: body.readUInt8(36) !== 0,
  }
}
