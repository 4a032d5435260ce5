/**
 * What a file is, as a number: COPY and ADD are looked for in the cache by it. It is docker's own (tarsum, version 1): owner, mode, name and content count, and
 * the time of the last change does not.
 */
import { createHash, type Hash } from 'node:crypto'
import { contents, type Piece } from '../../image/pack/contents.js'
import type { Node } from '../../image/pack/nodes.js'
import type { Bytes, Kind } from '../../image/pack/records.js'
import { bytesOf } from '../../image/pack/records.js'
import { tarPadding } from '../../image/tar/index.js'

/** By kind: the letter of a tar header, and the bits of the kind that Docker's headers have in their mode. */
const KINDS: Readonly<Record<Kind, readonly [flag: string, bits: number]>> = {
  file: ['0', 0o100000],
  symlink: ['2', 0],
  char: ['3', 0o020000],
  block: ['4', 0o060000],
  directory: ['5', 0o040000],
  fifo: ['6', 0o010000],
  socket: ['0', 0o140000],
}

/** In hexadecimal digits, by path. What is read must not change meanwhile. */
export async function sums(nodes: AsyncIterable<Node>): Promise<string[]> {
  const found: string[] = []
  const begun: { readonly hash: Hash; left: number; padding: number }[] = []
  const finish = () => {
    for (let first = begun[0]; first && first.left === 0 && first.padding === 0; first = begun[0]) {
      found.push(first.hash.digest('hex'))
      begun.shift()
    }
  }
  async function* pieces(): AsyncGenerator<Piece> {
    for await (const node of nodes) {
      const content = node.kind === 'file' && node.size > 0
      const hash = createHash('sha256').update(headerOf(node))
      begun.push({ hash, left: content ? node.size : 0, padding: content ? tarPadding(node.size).length : 0 })
      if (content) yield { head: NOTHING, file: node }
    }
  }
  for await (const chunk of contents(pieces(), fail)) {
    for (let rest = chunk; rest.length > 0; ) {
      finish()
      const first = begun[0]
      if (!first) throw new Error('more was read than the files have')
      const own = rest.subarray(0, first.left)
      first.hash.update(own)
      first.left -= own.length
      rest = rest.subarray(own.length)
      const skipped = first.left === 0 ? Math.min(first.padding, rest.length) : 0
      first.padding -= skipped
      rest = rest.subarray(skipped)
    }
  }
  finish()
  if (begun.length > 0) throw new Error('less was read than the files have')
  return found
}

/** Of several together: `dir:`, `multi:`. */
export const together = (prefix: string, all: readonly string[]): string =>
  `${prefix}:${createHash('sha256').update(all.join(',')).digest('hex')}`

const NOTHING = Buffer.alloc(0)

function fail(sentence: string): never {
  throw new Error(sentence)
}

function headerOf({ kind, path, mode, uid, gid, size, target, major, minor, capability }: Node): Buffer {
  const [flag, bits] = KINDS[kind]
  const device = kind === 'char' || kind === 'block'
  const fields: readonly (readonly [name: string, value: Bytes | number])[] = [
    ['name', kind === 'directory' ? `${path}/` : path],
    ['mode', mode | bits],
    ['uid', uid],
    ['gid', gid],
    ['size', kind === 'file' ? size : 0],
    ['typeflag', flag],
    ['linkname', target?.toString('latin1') ?? ''],
    ['uname', ''],
    ['gname', ''],
    ['devmajor', device ? major : 0],
    ['devminor', device ? minor : 0],
    ...(capability ? ([['security.capability', capability.toString('latin1')]] as const) : []),
  ]
  return bytesOf(fields.map(([name, value]) => `${name}${value}`).join(''))
}
