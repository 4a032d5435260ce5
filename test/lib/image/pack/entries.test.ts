/** What is found in a tree, as entries of an archive: pure. */
import { describe, expect, test } from 'vitest'
import { Entries } from '../../../../lib/image/pack/entries.js'
import type { Node } from '../../../../lib/image/pack/nodes.js'
import { pieces, type TreeReader } from '../../../../lib/image/pack/reader.js'
import { bytesOf, readList, readNames, readStatx } from '../../../../lib/image/pack/records.js'

const PLAIN = { mode: 0o644, uid: 1, gid: 2, size: 0, sparse: false, seconds: 10, nanoseconds: 20, major: 0, minor: 0, names: 1 }

function node(path: string, more: Partial<Node> = {}): Node {
  const cut = path.lastIndexOf('/')
  const reader = undefined as unknown as TreeReader
  return { ...PLAIN, kind: 'file', path, name: path.slice(cut + 1), directory: path.slice(0, Math.max(0, cut)), reader, ...more }
}

function entriesOf(form: 'layer' | 'tree', ...nodes: Node[]) {
  const warnings: string[] = []
  const entries = new Entries({ form, warn: (sentence) => warnings.push(sentence) })
  return { entries: nodes.flatMap((one) => entries.of(one)).map(({ input }) => input), warnings }
}

const whiteout = node('etc/motd', { kind: 'char', mode: 0 })

describe('a layer says what overlayfs says in the form of layers', () => {
  test('a deleted name, without a time', () => {
    const { entries } = entriesOf('layer', whiteout, node('top', { kind: 'char' }))
    expect(entries).toMatchObject([
      { path: Buffer.from('etc/.wh.motd'), type: 'file', mode: 0o600, mtime: { seconds: 0, nanoseconds: 0 } },
      { path: Buffer.from('.wh.top'), type: 'file' },
    ])
  })

  test('a deleted name is one, however many of them overlayfs makes with one inode', () => {
    const shared = { kind: 'char', names: 2, identity: 'i' } as const
    expect(entriesOf('layer', node('a', shared), node('b', shared)).entries.map(({ type }) => type)).toEqual(['file', 'file'])
  })

  test('a directory that hides what is below, behind itself', () => {
    const { entries } = entriesOf('layer', node('d', { kind: 'directory', mode: 0o1777, opaque: true }))
    expect(entries).toMatchObject([
      { path: Buffer.from('d'), type: 'directory', mode: 0o1777 },
      { path: Buffer.from('d/.wh..wh..opq'), type: 'file', mode: 0o777, uid: 1, gid: 2 },
    ])
  })

  test('names that would mean something else are left out and named', () => {
    const { entries, warnings } = entriesOf('layer', node('a/.wh.b'), node('s', { kind: 'socket' }))
    expect(entries).toEqual([])
    expect(warnings).toEqual([
      '"a/.wh.b" is left out: in a layer a name that begins with .wh. means that a file is deleted',
      '"s" is left out: archives have no sockets',
    ])
  })
})

test('a tree is what it is', () => {
  const { entries, warnings } = entriesOf('tree', whiteout, node('.wh.x'), node('d', { kind: 'directory', opaque: true }))
  expect(entries.map(({ path, type }) => [String(path), type])).toEqual([
    ['etc/motd', 'char'],
    ['.wh.x', 'file'],
    ['d', 'directory'],
  ])
  expect(warnings).toEqual([])
})

test('a file with several names has its content once, also links and devices', () => {
  const both = (kind: Node['kind'], identity: string) => [
    node(`${identity}1`, { kind, names: 2, identity, ...(kind === 'symlink' && { target: Buffer.from('t') }) }),
    node(`${identity}2`, { kind, names: 2, identity, ...(kind === 'symlink' && { target: Buffer.from('t') }) }),
  ]
  const { entries } = entriesOf('tree', ...both('file', 'f'), ...both('symlink', 'l'), ...both('fifo', 'p'))
  expect(entries.map(({ path, type, linkPath }) => [String(path), type, String(linkPath ?? '')])).toEqual([
    ['f1', 'file', ''],
    ['f2', 'hardlink', 'f1'],
    ['l1', 'symlink', 't'],
    ['l2', 'hardlink', 'l1'],
    ['p1', 'fifo', ''],
    ['p2', 'hardlink', 'p1'],
  ])
})

test('capabilities that hold for one user namespace are written as those that hold everywhere', () => {
  const three = Buffer.from('01000003000400000000000000000000000000007b000000', 'hex')
  const two = Buffer.from('0100000200040000000000000000000000000000', 'hex')
  for (const capability of [three, two]) {
    const { entries } = entriesOf('layer', node('ping', { capability }))
    expect(entries[0]?.xattrs?.get('security.capability')).toEqual(two)
  }
  expect(three[3]).toBe(3)
})

describe('what the kernel writes', () => {
  test('entries of a directory', () => {
    const entry = (name: string, size: number) => {
      const bytes = Buffer.alloc(size)
      bytes.writeUInt16LE(size, 16)
      bytes.write(name, 19, 'latin1')
      return bytes
    }
    const names: string[] = []
    const buffer = Buffer.concat([entry('.', 24), entry('..', 24), entry('a\xff\nb', 24), entry('x'.repeat(255), 280), Buffer.alloc(64)])
    readNames(buffer, 24 * 3 + 280, names)
    expect(names).toEqual(['a\xff\nb', 'x'.repeat(255)])
  })

  test('names of attributes', () => {
    expect(readList(Buffer.from('user.a\0security.capability\0rest'), 27)).toEqual(['user.a', 'security.capability'])
    expect(readList(Buffer.alloc(4), 0)).toEqual([])
  })

  test('times before 1970, files beyond four gigabytes', () => {
    const buffer = Buffer.alloc(256)
    buffer.writeUInt16LE(0o100755, 28)
    buffer.writeBigUInt64LE(0x1_0000_0005n, 40)
    buffer.writeBigInt64LE(-2n, 112)
    buffer.writeUInt32LE(7, 120)
    expect(readStatx(buffer)).toMatchObject({ kind: 'file', mode: 0o755, size: 0x1_0000_0005, sparse: true, seconds: -2, nanoseconds: 7 })
  })
})

test('a path of any length is gone in pieces that the kernel takes', () => {
  const path = Array.from({ length: 100 }, (_, at) => `${at}`.padStart(200, 'd')).join('/')
  const cut = pieces(path)
  expect(cut.every(({ length }) => length <= 4000)).toBe(true)
  expect(cut.map(String).join('/')).toBe(`/${path}`)
  expect(cut.slice(1).every((piece) => piece[0] !== 0x2f)).toBe(true)
  expect(pieces('')).toEqual([Buffer.from('/')])
  expect(bytesOf('\xff')).toEqual(Buffer.from([0xff]))
})
