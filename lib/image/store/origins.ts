/**
 * How a layer is known elsewhere, by its diff id: as which compressed blobs, and which repositories have them. A layer that was made here is compressed once
 * and remembered here; and a push can ask a registry for what another repository of it has.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalName, type Reference } from '../reference.js'
import type { Descriptor, Digest } from '../types.js'
import { listed, readJson, writeWhole } from './files.js'
import { digestOf, hexOf, type Paths } from './paths.js'

export interface Origin {
  readonly blob: Descriptor
  /** `docker.io/library/ubuntu`, the one that was seen last at first. */
  readonly repositories: readonly string[]
}

interface StoredOrigins {
  readonly version: 1
  readonly origins: readonly Origin[]
}

/** So many of each are remembered. */
const MOST = 50

export class Origins {
  readonly #directory: string

  constructor({ origins }: Paths) {
    this.#directory = origins
  }

  get(diffId: Digest): readonly Origin[] {
    const found = readJson<StoredOrigins>(this.#path(diffId))
    return found?.version === 1 ? found.origins : []
  }

  /** The layer is this blob; and this repository has it. */
  note(diffId: Digest, blob: Descriptor, reference?: Reference): void {
    const before = this.get(diffId)
    const known = before.find((one) => one.blob.digest === blob.digest)
    const repository = reference && canonicalName(reference)
    if (known && (repository === undefined || known.repositories[0] === repository)) return
    const others = known?.repositories.filter((one) => one !== repository) ?? []
    const repositories = [...(repository === undefined ? [] : [repository]), ...others].slice(0, MOST)
    const origins = [{ blob, repositories }, ...before.filter((one) => one !== known)].slice(0, MOST)
    writeWhole(this.#path(diffId), JSON.stringify({ version: 1, origins } satisfies StoredOrigins), { sync: false })
  }

  list(): Digest[] {
    return listed(this.#directory)
      .filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
      .map((name) => digestOf(name.slice(0, 64)))
  }

  remove(diffId: Digest): void {
    rmSync(this.#path(diffId), { force: true })
  }

  #path(diffId: Digest): string {
    return join(this.#directory, `${hexOf(diffId)}.json`)
  }
}
