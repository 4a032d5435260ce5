/**
 * Where COPY takes files from: a context, or an image. A process reads it that sees nothing else: links are followed as far as its root and no further, so that
 * whatever a context holds, no file of the host's is in it.
 */
import { confine, type Tree } from '../../image/pack/confine.js'
import { contents, type Piece } from '../../image/pack/contents.js'
import { look as lookAt, type Node } from '../../image/pack/nodes.js'
import { TreeReader } from '../../image/pack/reader.js'
import type { Bytes } from '../../image/pack/records.js'
import { walk } from '../../image/pack/walk.js'
import type { Shim } from '../../kernel/shim.js'
import { ownIdmap } from '../../primitives/own-ids.js'
import type { EngineContext } from '../context.js'
import { follow } from '../inside/archive/look.js'

const NOTHING = Buffer.alloc(0)

export class Source {
  readonly #shim: Shim
  readonly #reader: TreeReader

  private constructor(shim: Shim, reader: TreeReader) {
    this.#shim = shim
    this.#reader = reader
  }

  static async open(context: Pick<EngineContext, 'newShim'>, tree: Tree, signal: AbortSignal): Promise<Source> {
    signal.throwIfAborted()
    const shim = await context.newShim()
    try {
      await confine(shim, tree, ownIdmap())
      return new Source(shim, TreeReader.over(shim, { signal }))
    } catch (error) {
      await shim.rollback()
      throw error
    }
  }

  /** What a path leads to, every link followed; undefined when nothing is there. The node's own path has no links in it, and '' is the root's. */
  async find(path: Bytes): Promise<Node | undefined> {
    const real = (await follow(this.#shim, `/${path}`)).slice(1)
    return this.#at(real)
  }

  /** A directory's entries at any depth, it itself not among them; a directory before what is in it. */
  walk(directory: Bytes): AsyncGenerator<Node> {
    return walk(this.#reader, { from: directory })
  }

  /** Of a file, to its end. */
  async *read(file: Node): AsyncGenerator<Buffer> {
    let left = file.size
    for await (const bytes of contents(one({ head: NOTHING, file }), ignore)) {
      // What fills the last block of an archive is not the file's.
      if (left > 0) yield bytes.subarray(0, left)
      left -= bytes.length
    }
  }

  close(): Promise<void> {
    return this.#shim.rollback()
  }

  async #at(real: Bytes): Promise<Node | undefined> {
    const cut = real.lastIndexOf('/')
    const asked =
      real === '' ? { directory: '', names: ['.'] } : { directory: real.slice(0, Math.max(cut, 0)), names: [real.slice(cut + 1)] }
    const [[node] = []] = await lookAt(this.#reader, [asked])
    return node && real === '' ? { ...node, path: '' } : node
  }
}

const ignore = (): void => undefined

async function* one(piece: Piece): AsyncGenerator<Piece> {
  yield piece
}
