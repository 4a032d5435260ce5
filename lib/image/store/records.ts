/** Which images there are, and what belongs to each. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Descriptor, Digest } from '../types.js'
import { listed, readJson, writeWhole } from './files.js'
import { digestOf, hexOf, type Paths } from './paths.js'

export interface LayerOfImage {
  /** sha256 of its tar, uncompressed. */
  readonly diffId: Digest
  /** It and all below it (chain.ts): the name of its directory. */
  readonly chainId: Digest
  /** As it came, or as a plain tar when it was made here. */
  readonly blob: Descriptor
}

export interface ImageRecord {
  readonly version: 1
  /** Digest of its configuration. */
  readonly id: Digest
  /** With which it came; absent when it was made here, or came without. */
  readonly manifest?: Descriptor
  /** The bottom one first. */
  readonly layers: readonly LayerOfImage[]
  /** Bytes in the files of all layers. */
  readonly size: number
  /** The image that it was committed from. */
  readonly parent?: Digest
}

export class Records {
  readonly #directory: string

  constructor({ records }: Paths) {
    this.#directory = records
  }

  get(id: Digest): ImageRecord | undefined {
    const found = readJson<ImageRecord>(this.#path(id))
    return found?.version === 1 ? found : undefined
  }

  has(id: Digest): boolean {
    return existsSync(this.#path(id))
  }

  put(record: ImageRecord): void {
    writeWhole(this.#path(record.id), JSON.stringify(record))
  }

  remove(id: Digest): void {
    rmSync(this.#path(id), { force: true })
  }

  ids(): Digest[] {
    return listed(this.#directory)
      .filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
      .map((name) => digestOf(name.slice(0, 64)))
  }

  list(): ImageRecord[] {
    return this.ids().flatMap((id) => this.get(id) ?? [])
  }

  #path(id: Digest): string {
    return join(this.#directory, `${hexOf(id)}.json`)
  }
}
