/** What one COPY or ADD copies: each of its sources, found, and with the number by which the cache knows it. */
import { Glob } from '../../image/dockerfile/index.js'
import type { Node } from '../../image/pack/nodes.js'
import { DrydockError } from '../../kernel/errors.js'
import { sums, together } from './checksum.js'
import { bytes, hasWildcards, sourcePath } from './copy-rules.js'
import type { Source } from './source.js'

export interface Item {
  readonly source: Source
  /** As it was named, which is what a file is called where it goes; links in it may lead to `node`. */
  readonly path: string
  readonly node: Node
  /** `file:…`, `dir:…` */
  readonly sum: string
  /** An archive too is copied as it is. */
  readonly whole?: boolean
}

/** Throws, as docker says it, for a word that nothing comes of. `image`: they are in another image. */
export async function itemsOf(source: Source, word: string, { image }: { readonly image: boolean }): Promise<Item[]> {
  if (hasWildcards(word)) return matching(source, word, image)
  return [await itemAt(source, sourcePath(word), image)]
}

async function matching(source: Source, word: string, image: boolean): Promise<Item[]> {
  const glob = globOf(bytes(word).replace(/^\//, '').replace(/^\.\//, ''))
  const found: string[] = []
  for await (const { path } of source.walk('')) if (glob?.matches(path)) found.push(path)
  const items: Item[] = []
  for (const path of found) items.push(await itemAt(source, path, image))
  return items
}

/** What is no pattern matches nothing. */
function globOf(pattern: string): Glob | undefined {
  try {
    return new Glob(pattern)
  } catch {
    return undefined
  }
}

async function itemAt(source: Source, path: string, image: boolean): Promise<Item> {
  const node = await source.find(path)
  if (!node) {
    const why = `stat ${Buffer.from(path, 'latin1').toString()}: file does not exist`
    throw new DrydockError(image ? why : `file not found in build context or excluded by .dockerignore: ${why}`, { status: 400 })
  }
  if (node.kind !== 'directory') {
    const [sum] = await sums(list([node]))
    return { source, path, node, sum: `file:${sum}` }
  }
  const below = await sums(all(source, node))
  return { source, path, node, sum: together('dir', below.sort()) }
}

async function* all(source: Source, directory: Node): AsyncGenerator<Node> {
  if (directory.path !== '') yield directory
  yield* source.walk(directory.path)
}

async function* list(nodes: readonly Node[]): AsyncGenerator<Node> {
  yield* nodes
}

/** Of all together: that of the only one, or one of their own. */
export const sumOf = (items: readonly Item[]): string =>
  items.length === 1
    ? (items[0] as Item).sum
    : together(
        'multi',
        items.map(({ sum }) => sum),
      )
