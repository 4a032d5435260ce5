import { describe, expect, test } from 'vitest'
import { cleanPath, splitPath, tooLong } from '../../../../lib/image/unpack/paths.js'
import { Directory, Tree } from '../../../../lib/image/unpack/tree.js'

test.each([
  ['a', 'a'],
  ['./a/b/', 'a/b'],
  ['', ''],
  ['.', ''],
  ['./', ''],
  ['/', ''],
  ['//a//b', 'a/b'],
  ['/a/../..//b/.', 'b'],
  ['a/../b', 'b'],
  ['a/b/../../c', 'c'],
  ['...', '...'],
  ['a/...b/..c', 'a/...b/..c'],
  ['././a', 'a'],
])('%j is %j', (path, clean) => {
  expect(cleanPath(Buffer.from(path))).toEqual({ path: clean, outside: false })
})

test.each(['..', '../a', 'a/../../b', './../a', 'a/b/../../../c/d'])('%j is outside', (path) => {
  expect(cleanPath(Buffer.from(path)).outside).toBe(true)
})

test('what the kernel takes, and a path’s two parts', () => {
  expect(tooLong('n'.repeat(255))).toBeUndefined()
  expect(tooLong('n'.repeat(256))).toMatch(/255 bytes/)
  expect(tooLong(`${'d/'.repeat(2047)}`)).toBeUndefined()
  expect(tooLong(`${'d/'.repeat(2048)}`)).toMatch(/4095 are the most/)
  expect(splitPath('a/b/c')).toEqual({ parent: 'a/b', name: 'c' })
  expect(splitPath('c')).toEqual({ parent: '', name: 'c' })
})

describe('the tree of what was made', () => {
  function grown() {
    const tree = new Tree()
    const make = (parent: Directory, name: string) => {
      const made = new Directory(parent.pathOf(name), parent, 0)
      tree.set(parent, name, made)
      return made
    }
    const at = (path: string) => tree.directoryAt(path)
    const link = (path: string, target: string) => {
      const { parent, name } = splitPath(path)
      tree.set(tree.directoryAt(parent, make) as Directory, name, target)
    }
    return { tree, make, at, link }
  }

  test('follows links as the kernel with this root would', () => {
    const { tree, make, at, link } = grown()
    const lib = tree.directoryAt('usr/lib', make)
    link('lib', 'usr/lib')
    link('usr/up', '../lib/.././lib')
    link('abs', '/../../usr/')
    link('chain', 'abs/up')
    for (const path of ['lib', 'usr/up', 'abs/lib', 'chain', 'usr/up/../lib']) expect(at(path), path).toBe(lib)
  })

  test('says why a path leads nowhere, and makes nothing for a link', () => {
    const { tree, make, at, link } = grown()
    link('dangling', 'no/where')
    link('a', 'b')
    link('b', 'a')
    tree.set(tree.root, 'file', 0)
    expect(at('x/y')).toEqual({ at: 'x', why: 'missing' })
    expect(tree.directoryAt('dangling/sub', make)).toEqual({ at: 'dangling/sub', why: 'dangling' })
    expect(at('a/x')).toMatchObject({ why: 'loop' })
    expect(tree.directoryAt('file/x', make)).toEqual({ at: 'file', why: 'no directory' })
    expect(tree.root.entries.has('no')).toBe(false)
  })

  test('a directory that was removed is found no more', () => {
    const { tree, make, at } = grown()
    const deep = tree.directoryAt('a/b/c', make) as Directory
    expect(at('a/b/c')).toBe(deep)
    tree.remove(tree.root, 'a')
    expect(deep.isGone).toBe(true)
    expect(at('a/b/c')).toEqual({ at: 'a', why: 'missing' })
  })
})
