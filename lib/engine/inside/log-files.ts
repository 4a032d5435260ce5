/**
 * The files of a json-file log as its shim leaves them (native/PROTOCOL.md): NAME, and rotated ones, NAME.1 the youngest of them. A file that is open
 * here goes on meaning the same lines, whatever it is called by now or whether it is there at all; names alone move.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'

const BLOCK = 64 * 1024
const NEWLINE = 0x0a

/** An open file, and where in it the next line begins. */
export class LogFile {
  readonly #handle: FileHandle
  readonly identity: string
  /** Where the next read begins. */
  #at = 0
  /** The beginning of a line whose end was not there yet. */
  #rest: Buffer = Buffer.alloc(0)

  private constructor(handle: FileHandle, identity: string) {
    this.#handle = handle
    this.identity = identity
  }

  /** Undefined when there is none of that name. */
  static async open(path: string): Promise<LogFile | undefined> {
    const handle = await open(path).catch(absent)
    return handle && new LogFile(handle, identityOf(await handle.stat()))
  }

  /** Whole lines from here on, a block at a time, without their newlines; none at the end of what there is. */
  async *lines(): AsyncGenerator<Buffer[], void, void> {
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK)
      const { bytesRead } = await this.#handle.read(block, 0, BLOCK, this.#at)
      if (bytesRead === 0) {
        // People truncate logs by hand; what is written then is at the beginning again.
        if ((await this.#handle.stat()).size < this.#at) this.#seek(0)
        else return
        continue
      }
      this.#at += bytesRead
      const read = block.subarray(0, bytesRead)
      const whole = this.#rest.length > 0 ? Buffer.concat([this.#rest, read]) : read
      const lines: Buffer[] = []
      let begin = 0
      for (let end = whole.indexOf(NEWLINE); end !== -1; end = whole.indexOf(NEWLINE, begin)) {
        lines.push(whole.subarray(begin, end))
        begin = end + 1
      }
      this.#rest = whole.subarray(begin)
      if (lines.length > 0) yield lines
    }
  }

  /** Go to where the last `count` lines begin; the number of those that there are, `count` at most. Read from the end, block by block. */
  async seekLast(count: number): Promise<number> {
    const { size } = await this.#handle.stat()
    let found = 0
    for (let end = size; end > 0; ) {
      const begin = Math.max(0, end - BLOCK)
      const block = Buffer.allocUnsafe(end - begin)
      const { bytesRead } = await this.#handle.read(block, 0, block.length, begin)
      if (bytesRead === 0) break
      for (let at = block.lastIndexOf(NEWLINE, bytesRead - 1); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
        // This one ends the line before those that were counted.
        if (found === count) {
          this.#seek(begin + at + 1)
          return found
        }
        found++
      }
      end = begin
    }
    this.#seek(0)
    return found
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  #seek(at: number): void {
    this.#at = at
    this.#rest = Buffer.alloc(0)
  }
}

const identityOf = ({ dev, ino }: { dev: number; ino: number }) => `${dev} ${ino}`

const absent = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

const nameOf = (path: string, number: number) => (number === 0 ? path : `${path}.${number}`)

/**
 * Those that hold the last `tail` lines (undefined: all), the oldest first, each at the line where reading begins. They are opened from the youngest to the
 * oldest: names move meanwhile, to higher numbers only, so that what had a higher one than a file has now is older than that.
 */
export async function openLog(path: string, tail: number | undefined): Promise<LogFile[]> {
  const files: LogFile[] = []
  try {
    let wanted = tail
    for (let number = 0; wanted === undefined || wanted > 0 || number === 0; number++) {
      const file = await LogFile.open(nameOf(path, number))
      if (!file) {
        if (number > 0 && (await isEnd(path, number))) break
        continue
      }
      const younger = files[0]
      const at = younger && (await numberOf(path, younger))
      if (younger && (at === undefined || at >= number)) {
        await file.close()
        if (at === undefined) break
        number = at
        continue
      }
      files.unshift(file)
      if (wanted !== undefined) wanted -= await file.seekLast(wanted)
    }
    return files
  } catch (error) {
    await Promise.all(files.map((file) => file.close()))
    throw error
  }
}

/**
 * The file that goes on where this one ends; undefined when it is the youngest, or when the next one is not there yet. Of one whose name is gone the oldest
 * that there is goes on: what lay between was deleted.
 */
export async function successor(path: string, file: LogFile): Promise<LogFile | undefined> {
  for (;;) {
    const number = await numberOf(path, file)
    if (number === 0) return undefined
    const next = await LogFile.open(nameOf(path, number === undefined ? await oldest(path) : number - 1))
    if (!next) return undefined
    // Names have moved while we looked.
    const moved = next.identity === file.identity || (number !== undefined && (await numberOf(path, file)) !== number)
    if (!moved) return next
    await next.close()
  }
}

async function numberOf(path: string, { identity }: LogFile): Promise<number | undefined> {
  for (let number = 0; ; number++) {
    const found = await stat(nameOf(path, number)).catch(absent)
    if (found && identityOf(found) === identity) return number
    if (!found && number > 0 && (await isEnd(path, number))) return undefined
  }
}

async function oldest(path: string): Promise<number> {
  let number = 0
  while (!(await isEnd(path, number + 1))) number++
  return number
}

const isThere = async (path: string, number: number): Promise<boolean> => (await stat(nameOf(path, number)).catch(absent)) !== undefined

/**
 * No file has this name or a later one. A rotation renames from the oldest to the youngest, so that meanwhile one name between two others is nobody's: the one
 * whose file has the next name already.
 */
const isEnd = async (path: string, number: number): Promise<boolean> => !(await isThere(path, number + 1)) && !(await isThere(path, number))
