/** An archive out of a container, as files of this machine. What a container says is not trusted: nothing leads out of the place that was named. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
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
  for await (const chunk of archive) reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  reader.finish()
  files.finish()
}

const seconds = ({ mtime }: TarEntry): number => mtime.seconds + mtime.nanoseconds / 1e9

class Files {
  readonly #root: string
  /** Their times change with what is put into them, and without the right to write nothing can be. */
  readonly #directories: { readonly path: string; readonly entry: TarEntry }[] = []
  #file: { readonly descriptor: number; readonly entry: TarEntry } | undefined

  constructor(root: string) {
    this.#root = root
  }

  begin(entry: TarEntry): void {
    const path = this.#place(entry.path)
    switch (entry.type) {
      case 'directory':
        return this.#directory(path, entry)
      case 'file':
        this.#clear(path, entry)
        this.#file = { descriptor: openSync(path, 'wx', 0o600), entry }
        return
      case 'symlink':
        this.#clear(path, entry)
        symlinkSync(entry.linkPath, path)
        lutimesSync(path, seconds(entry), seconds(entry))
        return
      case 'hardlink':
        this.#clear(path, entry)
        linkSync(this.#place(entry.linkPath), path)
        return
      default:
        process.stderr.write(`WARNING: ${showName(entry.path)}: a ${KINDS[entry.type]} is not copied\n`)
    }
  }

  write(bytes: Buffer, offset: number): void {
    if (this.#file) writeSync(this.#file.descriptor, bytes, 0, bytes.length, offset)
  }

  end(): void {
    if (!this.#file) return
    const { descriptor, entry } = this.#file
    this.#file = undefined
    fchmodSync(descriptor, entry.mode & 0o7777)
    futimesSync(descriptor, seconds(entry), seconds(entry))
    closeSync(descriptor)
  }

  finish(): void {
    for (const { path, entry } of this.#directories.reverse()) {
      chmodSync(path, entry.mode & 0o7777)
      utimesSync(path, seconds(entry), seconds(entry))
    }
  }

  #directory(path: string, entry: TarEntry): void {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found && !found.isDirectory() && path !== this.#root) rmSync(path)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    this.#directories.push({ path, entry })
  }

  /** Something that is there already makes place, unless it is a directory. */
  #clear(path: string, entry: TarEntry): void {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory())
      throw new DrydockError(`cannot overwrite directory ${JSON.stringify(path)} with non-directory ${showName(entry.path)}`, {
        status: 400,
      })
    if (found) rmSync(path)
  }

  /** Below the root, behind no link. */
  #place(name: Buffer): string {
    const parts = name
      .toString('latin1')
      .split('/')
      .filter((part) => part !== '' && part !== '.')
    if (parts.includes('..'))
      throw new DrydockError(`${showName(name)}: the archive leads out of the place that it is for`, { status: 400 })
    // The first name is the source's own, or there is none when its contents are meant.
    const rest = name.toString('latin1').replace(/^\/+/, '').startsWith('./') ? parts : parts.slice(1)
    let path = this.#root
    for (const part of rest) {
      if (path !== this.#root && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
        throw new DrydockError(`${showName(name)}: ${path} is a link, and nothing is copied through it`, { status: 400 })
      path = join(path, Buffer.from(part, 'latin1').toString('utf8'))
    }
    if (path !== this.#root) mkdirSync(dirname(path), { recursive: true })
    return path
  }
}

const KINDS = { char: 'device', block: 'device', fifo: 'pipe' } as const
