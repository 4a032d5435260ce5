/** A look at how a stream begins, without taking anything from whoever reads it then. */

export interface Begun {
  /** So many bytes at least, or all when there are fewer. */
  readonly first: Buffer
  /** All of it, the first bytes too; once. */
  readonly all: AsyncIterable<Buffer>
}

export async function begun(source: AsyncIterable<Buffer>, bytes: number): Promise<Begun> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Buffer[] = []
  for (let length = 0; length < bytes; ) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    length += value.length
  }
  const first = Buffer.concat(chunks)
  async function* all(): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  }
  return { first, all: all() }
}
