/** An archive out of a container, as files of this machine. What a container says is not trusted: nothing leads out of the place that was named. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { showName, type TarEntry, TarReader } from '../../../image/tar/index.js'
import { DrydockError } from '../../../kernel/errors.js'

/** `root` is what the first name in the archive becomes. Owners are those who copy, as with docker. */
export async function unpack(archive: AsyncIterable<Uint8Array>, root: string): Promise<void> {
  const files = new Files(root)
  const reader = new TarReader({
    entry: (entry) => files.begin(entry),
    data: (bytes, offset) => files.write(bytes, offset),
    end: () => files.end(),
  })
  try {
    for await (const chunk of archive) reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    reader.finish()
    files.finish()
  } finally {
    files.close()
  }
}

const seconds = ({ mtime }: TarEntry): number => mtime.seconds + mtime.nanoseconds / 1e9

/** A path's characters are its bytes here: a container's names need be in no encoding. */
const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1')
const shown = (path: string): string => JSON.stringify(bytesOf(path).toString())

const statOf = (path: string) => lstatSync(bytesOf(path), { throwIfNoEntry: false })

class Files {
  readonly #root: string
  /** The root became something else than a directory: whatever came behind it would go where that leads. */
  #closed = false
  /** Their times change with what is put into them, and without the right to write nothing can be. */
  readonly #directories: { readonly path: string; readonly entry: TarEntry }[] = []
  #file: { readonly descriptor: number; readonly entry: TarEntry } | undefined

  constructor(root: string) {
    this.#root = Buffer.from(root).toString('latin1')
  }

  begin(entry: TarEntry): void {
    const path = this.#place(entry.path)
    if (entry.type === 'directory') return this.#directory(path, entry)
    if (path === this.#root) this.#closed = true
    switch (entry.type) {
      case 'file':
        this.#clear(path, entry)
        this.#file = { descriptor: openSync(bytesOf(path), 'wx', 0o600), entry }
        return
      case 'symlink':
        this.#clear(path, entry)
        symlinkSync(entry.linkPath, bytesOf(path))
        lutimesSync(bytesOf(path), seconds(entry), seconds(entry))
        return
      case 'hardlink': {
        const target = this.#place(entry.linkPath, true)
        this.#clear(path, entry)
        linkSync(bytesOf(target), bytesOf(path))
        return
      }
      default:
        process.stderr.write(`WARNING: ${showName(entry.path)}: a ${KINDS[entry.type]} is not copied\n`)
    }
  }

  write(bytes: Buffer, offset: number): void {
    if (!this.#file) return
    // write(2) may write less than it was given, as much as a disk has room for.
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file.descriptor, bytes, at, bytes.length - at, offset + at)
  }

  end(): void {
    if (!this.#file) return
    const { descriptor, entry } = this.#file
    this.#file = undefined
    // What a sparse file ends with may be a hole, of which nothing is written.
    if (entry.sparse) ftruncateSync(descriptor, entry.size)
    fchmodSync(descriptor, entry.mode & 0o7777)
    futimesSync(descriptor, seconds(entry), seconds(entry))
    closeSync(descriptor)
  }

  /** What was begun and came to no end. */
  close(): void {
    if (this.#file) closeSync(this.#file.descriptor)
    this.#file = undefined
  }

  finish(): void {
    for (const { path, entry } of this.#directories.reverse()) {
      chmodSync(bytesOf(path), entry.mode & 0o7777)
      utimesSync(bytesOf(path), seconds(entry), seconds(entry))
    }
  }

  #directory(path: string, entry: TarEntry): void {
    const found = statOf(path)
    if (found && !found.isDirectory() && path !== this.#root) rmSync(bytesOf(path))
    mkdirSync(bytesOf(path), { recursive: true, mode: 0o700 })
    this.#directories.push({ path, entry })
  }

  /** Something that is there already makes place, unless it is a directory. */
  #clear(path: string, entry: TarEntry): void {
    const found = statOf(path)
    if (found?.isDirectory())
      throw new DrydockError(`cannot overwrite directory ${shown(path)} with non-directory ${showName(entry.path)}`, { status: 400 })
    if (found) rmSync(bytesOf(path))
  }

  /** Below the root, behind no link. `there`: nothing is made on the way. */
  #place(name: Buffer, there = false): string {
    const refuse = (why: string): never => {
      throw new DrydockError(`${showName(name)}: ${why}`, { status: 400 })
    }
    const parts = name
      .toString('latin1')
      .split('/')
      .filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) refuse('the archive leads out of the place that it is for')
    if (this.#closed) refuse(`${shown(this.#root)} is no directory, and the archive goes on below it`)
    // The first name is the source's own, or there is none when its contents are meant.
    const rest = name.toString('latin1').replace(/^\/+/, '').startsWith('./') ? parts : parts.slice(1)
    let path = this.#root
    for (const part of rest) {
      if (path !== this.#root && statOf(path)?.isSymbolicLink()) refuse(`${shown(path)} is a link, and nothing is copied through it`)
      path = join(path, part)
    }
    if (path !== this.#root && !there) mkdirSync(bytesOf(dirname(path)), { recursive: true })
    return path
  }
}

const KINDS = { char: 'device', block: 'device', fifo: 'pipe' } as const
