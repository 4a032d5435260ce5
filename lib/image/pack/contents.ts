/**
 * Headers and contents as one stream of bytes. Small files are read many at a time, the next lot while the one before is on its way;
 * big ones a window after the other. What is held does not grow with the tree or with a file.
 */
import { path } from '../../kernel/args.js'
import { close, open, read } from '../../kernel/calls/files.js'
import { lseek, pread64 } from '../../kernel/calls/reading.js'
import { type Result, StepError } from '../../kernel/result.js'
import { type Arg, ref } from '../../kernel/step.js'
import { showName, tarPadding } from '../tar/index.js'
import { look, type Node } from './nodes.js'
import { actor, type TreeReader, type Unit } from './reader.js'
import { bytesOf } from './records.js'

/** Blocks in front of a content, and the file that it is read from. */
export interface Piece {
  readonly head: Buffer
  readonly file?: Node
}

type Warn = (sentence: string) => void

/** Bytes and files of one lot. A lot needs twice its bytes for a moment. */
const LOT_BYTES = 512 * 1024
const LOT_FILES = 128

/** A file from this size on is read by itself. */
const BIG = 256 * 1024

/** Lots under way at one time. */
const UNDER_WAY = 2

/** No link, no terminal, no waiting for whoever writes into a fifo that has taken the file's place. */
const FLAGS = ['rdonly', 'nofollow', 'nonblock', 'noctty'] as const

export async function* contents(pieces: AsyncIterable<Piece>, warn: Warn): AsyncGenerator<Buffer> {
  const underWay: Promise<Buffer>[] = []
  let lot: Piece[] = []
  let bytes = 0
  const start = () => {
    if (lot.length === 0) return
    const started = readLot(lot, warn)
    // Told when its turn comes.
    started.catch(() => undefined)
    underWay.push(started)
    lot = []
    bytes = 0
  }
  for await (const piece of pieces) {
    if (piece.file && piece.file.size >= BIG) {
      start()
      for (const one of underWay.splice(0)) yield await one
      yield* readBig(piece.head, piece.file, warn)
      continue
    }
    lot.push(piece)
    bytes += piece.head.length + (piece.file?.size ?? 0)
    if (bytes >= LOT_BYTES || lot.length >= LOT_FILES) {
      start()
      while (underWay.length > UNDER_WAY) yield await (underWay.shift() as Promise<Buffer>)
    }
  }
  start()
  for (const one of underWay.splice(0)) yield await one
}

const FILE = ref('pack.file')
/** The same but for its name, of every file. */
const OPEN = open('', FLAGS, { actor, keep: FILE.ref })
const CLOSE = close(FILE, { actor })

/** What has the name now is a directory, or a fifo. */
const REPLACED = { actor, allow: ['EISDIR', 'EAGAIN', 'ESPIPE'] } as const

async function readLot(lot: readonly Piece[], warn: Warn): Promise<Buffer> {
  const parts: Buffer[] = []
  // Files of one lot are seldom of two readers; then they are asked one after the other.
  for (let at = 0; at < lot.length; ) {
    const reader = lot[at]?.file?.reader
    let end = at + 1
    while (end < lot.length && (lot[end]?.file === undefined || reader === undefined || lot[end]?.file?.reader === reader)) {
      if (reader === undefined && lot[end]?.file) break
      end++
    }
    const some = lot.slice(at, end)
    const files = some.flatMap(({ file }) => (file ? [file] : []))
    const answers = reader ? await readAll(reader, files) : []
    let next = 0
    for (const { head, file } of some) {
      if (!file) {
        parts.push(head)
        continue
      }
      const results = answers[next++]
      if (results?.[1]?.status !== 'ok') {
        warn(gone(file))
        continue
      }
      const { outs, ret } = results[1]
      // The buffer was zero before: what a file has lost meanwhile reads as zeros.
      if (Number(ret) < file.size) warn(shrunk(file))
      parts.push(head, outs[0] as Buffer, tarPadding(file.size))
    }
    at = end
  }
  return Buffer.concat(parts)
}

/**
 * What the kernel says of a device that has taken a file's place is what it says of a file that nobody may read: which of the two it is, another look
 * tells.
 */
async function readAll(reader: TreeReader, files: readonly Node[]): ReturnType<TreeReader['run']> {
  try {
    return await reader.run(files.map(unitOf))
  } catch (error) {
    if (!(error instanceof StepError) || error.errno !== 'EACCES') throw error
    const answers: Awaited<ReturnType<TreeReader['run']>> = []
    for (const file of files) {
      const answer = await reader.run([unitOf(file)]).catch(async (again: unknown) => {
        if (await isFile(file)) throw again
        return [undefined]
      })
      answers.push(...answer)
    }
    return answers
  }
}

async function isFile({ reader, directory, name }: Node): Promise<boolean> {
  const [[now] = []] = await look(reader, [{ directory, names: [name] }])
  return now?.kind === 'file'
}

function unitOf(file: Node): Unit {
  const [dirfd, , flags, mode] = OPEN.args as [Arg, Arg, Arg, Arg]
  const opened = { ...OPEN, args: [dirfd, path('pathname', bytesOf(file.name)), flags, mode] }
  return { directory: file.directory, steps: [opened, read(FILE, file.size, REPLACED), CLOSE] }
}

const gone = (file: Node) => `${showName(bytesOf(file.path))} is left out: it was removed or replaced while the tree was read`
const shrunk = (file: Node) => `${showName(bytesOf(file.path))} became smaller while it was read: zeros stand for what is missing`

/** Bytes of a big file that are read at once (more only cost copies on the way here), and how many of them are under way. */
const WINDOW = 256 * 1024
const WINDOWS = 4
const ZEROS = Buffer.alloc(WINDOW)
const BIG_FILE = ref('pack.big')

async function* readBig(head: Buffer, file: Node, warn: Warn): AsyncGenerator<Buffer> {
  const { reader, size } = file
  const unit = { directory: file.directory, steps: [open(bytesOf(file.name), FLAGS, { keep: BIG_FILE.ref })] }
  const [opened] = await reader.run([unit]).catch(async (error: unknown) => {
    if (await isFile(file)) throw error
    return [undefined]
  })
  if (!opened) return warn(gone(file))
  yield head
  let missing = false
  for await (const { from, to, data } of file.sparse ? extents(file) : [{ from: 0, to: size, data: true }]) {
    if (!data) yield* zeros(to - from)
    else
      for await (const { bytes, short } of windows(file, from, to)) {
        missing ||= short
        yield bytes
      }
  }
  await reader.attempt([close(BIG_FILE)])
  if (missing) warn(shrunk(file))
  yield tarPadding(size)
}

/** The bytes from `from` to `to`, a window after the other, the next ones asked for before they are needed. */
async function* windows(file: Node, from: number, to: number): AsyncGenerator<{ bytes: Buffer; short: boolean }> {
  const ask = async (at: number) => {
    const count = Math.min(WINDOW, to - at)
    const [result] = await file.reader.attempt([pread64(BIG_FILE, count, at, REPLACED)])
    if (!result || result.status === 'failed') throw new StepError(result as Result)
    return { bytes: result.outs[0] as Buffer, short: Number(result.ret) < count }
  }
  const asked: ReturnType<typeof ask>[] = []
  for (let at = from; at < to || asked.length > 0; ) {
    for (; at < to && asked.length < WINDOWS; at += WINDOW) {
      const one = ask(at)
      one.catch(() => undefined)
      asked.push(one)
    }
    yield await (asked.shift() as ReturnType<typeof ask>)
  }
}

/** What of a sparse file is there and what is not, from its begin to its end. */
async function* extents({ reader, size }: Node): AsyncGenerator<{ from: number; to: number; data: boolean }> {
  const seek = async (from: number, whence: 'data' | 'hole') => {
    const [result] = await reader.attempt([lseek(BIG_FILE, from, whence, { allow: ['ENXIO'] })])
    if (!result || result.status === 'failed') throw new StepError(result as Result)
    return result.status === 'ok' ? Math.min(size, Number(result.ret)) : size
  }
  for (let at = 0; at < size; ) {
    const data = await seek(at, 'data')
    if (data > at) yield { from: at, to: data, data: false }
    const end = data < size ? Math.max(await seek(data, 'hole'), data + 1) : size
    if (end > data) yield { from: data, to: end, data: true }
    at = end
  }
}

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= WINDOW) yield left >= WINDOW ? ZEROS : ZEROS.subarray(0, left)
}
