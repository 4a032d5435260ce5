import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { volumeDirectory } from '../../../lib/engine/volume/index.js'
import { parseTmpfs, parseVolume } from '../../../lib/engine/volumes.js'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-volumes-'))
  writeFileSync(join(root, 'file'), '')
})
afterAll(() => rmSync(root, { recursive: true }))

const parsed = (text: string) => parseVolume(text, root, () => 'a'.repeat(64))
const volume = (text: string) => parsed(text).mount

test('a directory of the host', () => {
  expect(volume(`${root}:/data`)).toEqual({ kind: 'bind', source: root, sourceKind: 'directory', target: '/data', recursive: true })
})

test('a file, read-only, with a propagation', () => {
  expect(volume(`${root}/file:/etc//conf:ro,rslave,Z`)).toMatchObject({
    sourceKind: 'file',
    target: '/etc/conf',
    readOnly: true,
    propagation: 'rslave',
  })
})

test('a relative source is taken from here', () => {
  expect(volume('./test:/t')).toMatchObject({ source: resolve('test') })
})

test('a name is a volume, made when it is new', () => {
  expect(existsSync(volumeDirectory(root, 'cargo'))).toBe(false)
  expect(volume('cargo:/hold')).toMatchObject({ source: volumeDirectory(root, 'cargo'), sourceKind: 'directory' })
  expect(existsSync(volumeDirectory(root, 'cargo'))).toBe(true)
})

test('a target alone gets a volume without a name', () => {
  expect(volume('/hold')).toMatchObject({ source: volumeDirectory(root, 'a'.repeat(64)), target: '/hold' })
})

test.each([
  ['/nowhere/at/all:/x', 'bind source path does not exist: /nowhere/at/all'],
  ['cargo:hold', 'invalid mount config for type "volume": invalid mount path: \'hold\' mount path must be absolute'],
  ['cargo:/', "invalid specification: destination can't be '/'"],
  ['cargo:/../', "invalid specification: destination can't be '/'"],
  ['a:b:c:d', "invalid volume specification: 'a:b:c:d'"],
  ['cargo::ro', "invalid volume specification: 'cargo::ro'"],
  ['cargo:/x:rw,shiny', 'invalid mode: rw,shiny'],
  ['cargo:/x:rw,ro', 'invalid mode: rw,ro'],
  ['cargo:/x:rshared', 'invalid mount config for type "volume": field BindOptions must not be specified'],
  ['/tmp:/x:nocopy', 'invalid mount config for type "bind": field VolumeOptions must not be specified'],
  ['-x:/x', 'invalid volume name (-x)'],
])('%s is refused', (text, sentence) => {
  expect(() => volume(text)).toThrow(sentence)
})

test('a tmpfs and its options, of which the primitive knows the meaning', () => {
  expect(parseTmpfs('/scratch')).toEqual({ kind: 'tmpfs', target: '/scratch', options: [] })
  expect(parseTmpfs('/scratch/:exec,size=64k')).toEqual({ kind: 'tmpfs', target: '/scratch', options: ['exec', 'size=64k'] })
  expect(() => parseTmpfs('scratch')).toThrow('must be absolute')
})

test('what is mounted: a path as it is, a volume with what the image has there', () => {
  expect(parsed(`${root}:/data`)).toMatchObject({ source: 'path', copies: false })
  expect(parsed('cargo:/hold')).toMatchObject({ source: 'named', copies: true })
  expect(parsed('cargo:/hold:nocopy')).toMatchObject({ source: 'named', copies: false })
  expect(parsed('/hold')).toMatchObject({ source: 'own', copies: true })
})
