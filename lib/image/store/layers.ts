/**
 * Unpacked layers, each once for all images that have it. A directory gets its name when what was unpacked is what the image says; layer.json beside `diff`
 * is written before, so that a container's directory (which has none) is never taken for a layer.
 */
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Shim } from '../../kernel/shim.js'
import { ownIdmap } from '../../primitives/own-ids.js'
import { isInHand, ownerName } from '../owner.js'
import type { Digest } from '../types.js'
import type { KeptArchive } from '../unpack/index.js'
import { chainId } from './chain.js'
import { listed, readJson, writeWhole } from './files.js'
import { digestOf, hexOf, type Paths } from './paths.js'
import { removeTrees } from './tree.js'

/** layer.json. */
export interface LayerRecord {
  readonly version: 1
  readonly diffId: Digest
  /** Chain id of the layer below. */
  readonly parent?: Digest
  /** Bytes in its files. */
  readonly size: number
  readonly entries: number
}

/** One that is unpacked and has no name yet. */
export interface Unpacked {
  readonly diffId: Digest
  readonly size: number
  readonly warnings: readonly string[]
  /** Give it its name: on top of `parent`. Somebody may have been quicker, with the same. */
  place(parent: Digest | undefined): Promise<Digest>
  discard(): Promise<void>
}

const UNPACKING = '.unpacking-'
const REMOVING = '.removing-'
/** What a build has in hand (lib/engine/build). */
export const BUILDING = '.building-'

export class Layers {
  readonly #overlay: string
  readonly #newShim: (() => Promise<Shim>) | undefined

  /** `newShim`: where the shims that unpack come from; each is started by this process otherwise. */
  constructor({ overlay }: Paths, newShim?: () => Promise<Shim>) {
    this.#overlay = overlay
    this.#newShim = newShim
  }

  /** What overlayfs takes. */
  directory(chain: Digest): string {
    return join(this.#home(chain), 'diff')
  }

  get(chain: Digest): LayerRecord | undefined {
    const found = readJson<LayerRecord>(join(this.#home(chain), 'layer.json'))
    return found?.version === 1 ? found : undefined
  }

  list(): Digest[] {
    return listed(this.#overlay)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .map(digestOf)
      .filter((chain) => this.get(chain) !== undefined)
  }

  /** Out of a tar, compressed or not. Nothing is left of it when this fails. `digest`: as for unpackLayer. */
  async unpack(
    source: AsyncIterable<Uint8Array> | KeptArchive,
    { signal, digest }: { signal?: AbortSignal; digest?: () => Digest } = {},
  ): Promise<Unpacked> {
    const { unpackLayer } = await import('../unpack/index.js')
    const home = join(this.#overlay, `${UNPACKING}${ownerName()}`)
    const directory = join(home, 'diff')
    mkdirSync(home, { mode: 0o710 })
    const discard = () => removeTrees([home])
    try {
      mkdirSync(directory, { mode: 0o755 })
      const map = ownIdmap()
      const { diffId, size, entries, warnings } = await unpackLayer(source, {
        directory,
        ...(map && { idmap: map }),
        ...(this.#newShim && { newShim: this.#newShim }),
        ...(signal && { signal }),
        ...(digest && { digest }),
      })
      const place = async (parent: Digest | undefined) => {
        const chain = chainId(parent, diffId)
        const record: LayerRecord = { version: 1, diffId, ...(parent && { parent }), size, entries }
        writeWhole(join(home, 'layer.json'), JSON.stringify(record))
        try {
          renameSync(home, this.#home(chain))
        } catch (error) {
          if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
          await discard()
        }
        return chain
      }
      return { diffId, size, warnings, place, discard }
    } catch (error) {
      await discard()
      throw error
    }
  }

  /** Take them from their places: half of a layer must never be found under a layer's name. The answer is what is left to be removed (tree.ts). */
  putAway(chains: readonly Digest[]): string[] {
    return chains.flatMap((chain) => {
      const path = join(this.#overlay, `${REMOVING}${ownerName()}`)
      try {
        renameSync(this.#home(chain), path)
        return [path]
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    })
  }

  /** Remove what programs that are no more were unpacking or removing; what cannot be removed now, the next time. */
  async sweep(): Promise<void> {
    await removeTrees(abandonedLayers(this.#overlay)).catch(() => undefined)
  }

  #home(chain: Digest): string {
    return join(this.#overlay, hexOf(chain))
  }
}

export const abandonedLayers = (overlay: string): string[] =>
  listed(overlay)
    .filter((name) => [UNPACKING, REMOVING, BUILDING].some((mark) => name.startsWith(mark)))
    .map((name) => join(overlay, name))
    .filter((path) => !isInHand(path))
