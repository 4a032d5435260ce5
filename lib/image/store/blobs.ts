/** Blobs by their digest: what has its name here is whole, and hashed to it when it came. */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import type { Descriptor, Digest } from '../types.js'
import { listed, sizeOf, writeWhole } from './files.js'
import { digestOf, hexOf, type Paths } from './paths.js'

/** Bytes read at once. */
const CHUNK = 256 * 1024

export const sha256 = (bytes: Uint8Array): Digest => digestOf(createHash('sha256').update(bytes).digest('hex'))

export class Blobs {
  readonly #paths: Paths

  constructor(paths: Paths) {
    this.#paths = paths
  }

  path(digest: Digest): string {
    return join(this.#paths.blobs, hexOf(digest))
  }

  size(digest: Digest): number | undefined {
    return sizeOf(this.path(digest))
  }

  has(digest: Digest): boolean {
    return this.size(digest) !== undefined
  }

  list(): Digest[] {
    return listed(this.#paths.blobs)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .map(digestOf)
  }

  /** A manifest or configuration, which is small; checked once more, since all the rest hangs on it. */
  async document(digest: Digest): Promise<Buffer> {
    const bytes = this.#small(digest)
    if (sha256(bytes) !== digest)
      throw new DrydockError(`the blob ${digest} is damaged on disk: remove its image, and pull or load it again`)
    return bytes
  }

  /** At once: that is sooner done than handed to another thread. */
  #small(digest: Digest): Buffer {
    try {
      return readFileSync(this.path(digest))
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new DrydockError(`the blob ${digest} cannot be read (${code}): pull or load its image again`, { cause })
    }
  }

  read(digest: Digest): AsyncIterable<Buffer> {
    return createReadStream(this.path(digest), { highWaterMark: CHUNK })
  }

  /** Keep a document. */
  add(bytes: Uint8Array): Digest {
    const digest = sha256(bytes)
    if (this.size(digest) !== bytes.length) writeWhole(this.path(digest), bytes)
    return digest
  }

  /** Give a file that was hashed its name. */
  async adopt(path: string, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): Promise<void> {
    if (this.size(digest) === size) return rmSync(path, { force: true })
    const file = await open(path, 'r')
    // On disk before it has its name, so that a power cut cannot leave half of it under a name that says that it is whole.
    await file.datasync().finally(() => file.close())
    renameSync(path, this.path(digest))
  }

  remove(digest: Digest): void {
    rmSync(this.path(digest), { force: true })
  }
}
