/** A container's upper directory as a layer of an image, for commit; and the merged tree of layers as one archive, for export. */
import { DrydockError } from '../../kernel/errors.js'
import { TAR_END, tarHeader } from '../tar/index.js'
import { contents, type Piece } from './contents.js'
import { Entries, type Form, isWhiteout } from './entries.js'
import type { Node } from './nodes.js'
import { type ReadOptions, TreeReader } from './reader.js'
import { walk } from './walk.js'

export interface PackOptions extends ReadOptions {
  /**
   * The directories below the upper one, the top one first. Read only where the upper one says that a content lies there (overlayfs's
   * redirect_dir and metacopy, when root's kernel has them switched on).
   */
  readonly lowers?: readonly string[]
  /** Absolute paths that are left out; what is below one is not, unless it is named too. */
  readonly apart?: ReadonlySet<string>
}

/**
 * A layer's archive: what overlayfs has in its form (a device 0:0, an attribute) in the form that layers have. Names in the order of their
 * bytes, owners as numbers, times to the nanosecond; of attributes security.capability alone, as Docker does. The same directory becomes the
 * same bytes. Like Docker's it has no entry for the root itself.
 */
export async function* packLayer(upper: string, options: PackOptions = {}): AsyncGenerator<Buffer> {
  const { lowers = [], apart } = options
  yield* pack({ directory: upper }, { form: 'layer', ...(apart && { apart }) }, options, lowers.length > 0 ? [upper, ...lowers] : undefined)
}

/**
 * All layers as a container sees them, the top one first (a container's upper directory too, whether it runs or not). `within`: only what is below this
 * directory of theirs, by its absolute path, in which no link may be.
 */
export async function* packTree(
  layers: readonly string[],
  options: ReadOptions & { readonly within?: string } = {},
): AsyncGenerator<Buffer> {
  const { within } = options
  yield* pack({ layers, ...(within !== undefined && { within }) }, { form: 'tree' }, options, undefined)
}

async function* pack(
  tree: Parameters<typeof TreeReader.open>[0],
  form: Omit<Form, 'warn'>,
  options: ReadOptions,
  all: readonly string[] | undefined,
): AsyncGenerator<Buffer> {
  const warn = options.onWarning ?? (() => undefined)
  const readers = new Readers(options, all)
  try {
    const nodes = walk(await readers.first(tree), { merged: () => readers.merged() })
    yield* contents(pieces(nodes, new Entries({ ...form, warn }), readers), warn)
    yield TAR_END
  } finally {
    await readers.close()
  }
}

async function* pieces(nodes: AsyncIterable<Node>, entries: Entries, readers: Readers): AsyncGenerator<Piece> {
  for await (const node of nodes) {
    for (const { input, content } of entries.of(node)) {
      const head = tarHeader(input)
      if (!content) yield { head }
      else yield { head, file: node.metacopy && !isWhiteout(node) ? { ...node, reader: await readers.merged() } : node }
    }
  }
}

/** The tree's own, and one of all layers as one that is made when something is found that only it can answer. */
export class Readers {
  readonly #options: ReadOptions
  readonly #all: readonly string[] | undefined
  readonly #open: Promise<TreeReader>[] = []
  #merged: Promise<TreeReader> | undefined

  constructor(options: ReadOptions, all: readonly string[] | undefined) {
    this.#options = options
    this.#all = all
  }

  first(tree: Parameters<typeof TreeReader.open>[0]): Promise<TreeReader> {
    const opened = TreeReader.open(tree, this.#options)
    this.#open.push(opened)
    return opened
  }

  merged(): Promise<TreeReader> {
    if (!this.#all) throw new DrydockError('this layer says that parts of it are in the layers below it, which were not given')
    this.#merged ??= this.first({ layers: this.#all })
    return this.#merged
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#open)) if (opened.status === 'fulfilled') await opened.value.close()
  }
}
