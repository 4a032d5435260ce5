/** The files of an archive that is being loaded, under names of our own in a directory that goes when it is done. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, linkSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { decompress } from './compression.js'
import { ownerName } from './owner.js'
import { LOADING } from './store/collect.js'
import type { Store } from './store/index.js'
import { digestOf } from './store/paths.js'
import { removeTrees } from './store/tree.js'
import { type TarEntry, TarReader } from './tar/index.js'
import { type Digest, MEDIA } from './types.js'

export interface Received {
  readonly path: string
  readonly digest: Digest
  readonly size: number
  /** Of a layer: what its first bytes say that it is. */
  readonly mediaType: string
}

/** An image has a few files a layer. */
const MOST_FILES = 100_000
/** Bytes of a document. */
const LARGEST_DOCUMENT = 8 * 1024 * 1024
/** How many links may lead to each other. */
const MOST_LINKS = 10
const CHUNK = 256 * 1024

export class Intake {
  readonly #home: string
  readonly #files = new Map<string, Received>()
  readonly #links = new Map<string, string>()
  readonly #byDigest = new Map<Digest, Received>()
  #number = 0

  constructor({ paths }: Store) {
    this.#home = join(paths.images, `${LOADING}${ownerName()}`)
    mkdirSync(this.#home, { mode: 0o700 })
  }

  async close(): Promise<void> {
    await removeTrees([this.#home])
  }

  /** Read all of a tar, which may be compressed. */
  async archive(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    let file: Writing | undefined
    const reader = new TarReader({
      entry: (entry) => {
        file = this.#begin(entry)
      },
      data: (bytes, offset) => file?.write(bytes, offset),
      end: () => {
        file?.finish()
        file = undefined
      },
    })
    try {
      for await (const chunk of decompress(source)) {
        signal?.throwIfAborted()
        reader.push(chunk)
        await this.#settle()
      }
      reader.finish()
      await this.#settle()
    } finally {
      for (const one of this.#writing) await one.close()
    }
  }

  /** A layout in a directory: read where it is, and only what is in it and no link. */
  async directory(path: string): Promise<void> {
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const place = join(entry.parentPath ?? entry.path, entry.name)
      const hash = createHash('sha256')
      let size = 0
      let first: Buffer | undefined
      for await (const chunk of createReadStream(place, { highWaterMark: CHUNK })) {
        first ??= chunk as Buffer
        hash.update(chunk as Buffer)
        size += (chunk as Buffer).length
      }
      this.#add(posix.normalize(place.slice(path.length + 1)), place, hash, size, first)
    }
  }

  has(name: string): boolean {
    return this.#look(name) !== undefined
  }

  hasDigest(digest: Digest): boolean {
    return this.#byDigest.has(digest)
  }

  /** By its name in the archive; links are followed, within it. */
  find(name: string): Received {
    const found = this.#look(name)
    if (!found) throw new DrydockError(`invalid archive: ${JSON.stringify(name)}, which it speaks of, is not in it`, { status: 400 })
    return found
  }

  async json(name: string): Promise<unknown> {
    try {
      return JSON.parse((await this.bytes(this.find(name).digest)).toString())
    } catch (error) {
      if (error instanceof SyntaxError) throw new DrydockError(`invalid archive: its ${name} is no JSON`, { status: 400 })
      throw error
    }
  }

  /** A document, whole. */
  async bytes(digest: Digest): Promise<Buffer> {
    const { path, size } = this.#get(digest)
    if (size > LARGEST_DOCUMENT) throw new DrydockError(`invalid archive: the document ${digest} has ${size} bytes`, { status: 400 })
    return readFile(path)
  }

  read(digest: Digest, offset: number): AsyncIterable<Buffer> {
    return createReadStream(this.#get(digest).path, { start: offset, highWaterMark: CHUNK })
  }

  /** The same file at another path, when it came here by a stream and there is nothing yet. True: it is there now, and it is a plain archive. */
  give(digest: Digest, path: string): boolean {
    const { path: found, mediaType } = this.#get(digest)
    if (!found.startsWith(`${this.#home}/`)) return false
    try {
      linkSync(found, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    }
    return mediaType === MEDIA.layer
  }

  #get(digest: Digest): Received {
    const found = this.#byDigest.get(digest)
    if (!found) throw new DrydockError(`invalid archive: the blob ${digest} is not in it`, { status: 400 })
    return found
  }

  #look(name: string): Received | undefined {
    let at = nameIn(name)
    for (let links = 0; links < MOST_LINKS; links++) {
      const found = this.#files.get(at)
      if (found) return found
      const next = this.#links.get(at)
      if (next === undefined) return undefined
      at = next
    }
    return undefined
  }

  readonly #writing = new Set<Writing>()

  #begin({ path, type, linkPath }: TarEntry): Writing | undefined {
    const name = nameIn(path.toString('latin1'))
    if (this.#files.size + this.#links.size > MOST_FILES) {
      throw new DrydockError(`invalid archive: it has more than ${MOST_FILES} files`, { status: 400 })
    }
    const target = linkPath.toString('latin1')
    if (type === 'hardlink') this.#links.set(name, nameIn(target))
    if (type === 'symlink') this.#links.set(name, nameIn(posix.join(posix.dirname(name), target)))
    if (type !== 'file') return undefined
    this.#links.delete(name)
    const place = join(this.#home, String(this.#number++))
    const writing = new Writing(place, ({ hash, size: written, first }) => {
      this.#add(name, place, hash, written, first)
    })
    this.#writing.add(writing)
    return writing
  }

  /** What was pushed is on disk before more is read. */
  async #settle(): Promise<void> {
    for (const one of this.#writing) if (await one.settle()) this.#writing.delete(one)
  }

  #add(name: string, path: string, hash: Hash, size: number, first: Buffer | undefined): void {
    const received: Received = { path, digest: digestOf(hash.digest('hex')), size, mediaType: layerType(first) }
    this.#files.set(name, received)
    this.#byDigest.set(received.digest, received)
  }
}

function layerType(first: Buffer | undefined): string {
  if (first?.[0] === 0x1f && first[1] === 0x8b) return MEDIA.layerGzip
  return first?.subarray(0, 4).toString('hex') === '28b52ffd' ? MEDIA.layerZstd : MEDIA.layer
}

/** `./a/b`, `/a/b` and `a/b` are the same. */
const nameIn = (name: string): string => posix.normalize(`/${name}`).slice(1)

interface Written {
  readonly hash: Hash
  readonly size: number
  readonly first: Buffer | undefined
}

/** A file that comes in pieces, which are views of the chunk that came: they are written before the next one is read. */
class Writing {
  readonly #path: string
  readonly #done: (written: Written) => void
  readonly #hash = createHash('sha256')
  readonly #pieces: Buffer[] = []
  #file: FileHandle | undefined
  #size = 0
  #first: Buffer | undefined
  #finished = false

  constructor(path: string, done: (written: Written) => void) {
    this.#path = path
    this.#done = done
  }

  write(bytes: Buffer, offset: number): void {
    if (offset !== this.#size) throw new DrydockError('invalid archive: a file in it is sparse', { status: 400 })
    this.#first ??= Buffer.from(bytes.subarray(0, 8))
    this.#hash.update(bytes)
    this.#size += bytes.length
    this.#pieces.push(bytes)
  }

  finish(): void {
    this.#finished = true
  }

  /** Write what there is; true when the file is complete. */
  async settle(): Promise<boolean> {
    this.#file ??= await open(this.#path, 'wx', 0o600)
    for (const piece of this.#pieces.splice(0)) {
      for (let at = 0; at < piece.length; ) at += (await this.#file.write(piece, at)).bytesWritten
    }
    if (!this.#finished) return false
    await this.close()
    this.#done({ hash: this.#hash, size: this.#size, first: this.#first })
    return true
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}
