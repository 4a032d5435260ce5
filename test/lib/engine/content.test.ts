import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { contentAt } from '../../../lib/engine/content.js'

let root: string
let layers: string[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-content-'))
  layers = ['top', 'bottom'].map((name) => join(root, name))
  for (const layer of layers) mkdirSync(layer)
})
afterEach(() => rmSync(root, { recursive: true }))

const directory = (layer: number, path: string) => mkdirSync(join(layers[layer] as string, path), { recursive: true })
const link = (layer: number, target: string, path: string) => symlinkSync(target, join(layers[layer] as string, path))

test('a directory of any layer; nothing that is not there, is a file, or is the root', () => {
  directory(1, 'var/lib/data')
  directory(0, 'srv')
  writeFileSync(join(layers[0] as string, 'file'), '')
  const at = (path: string) => contentAt(path, layers)
  expect([at('/var/lib/data'), at('/srv/'), at('/var/lib/none'), at('/file'), at('/file/x'), at('/')]).toEqual([
    '/var/lib/data',
    '/srv',
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('links lead within the image, absolute ones and those with .. too', () => {
  directory(1, 'run/app')
  directory(0, 'var/lib')
  link(1, '/run', 'var-run')
  link(0, '../../run/./app', 'var/lib/app')
  link(0, '../../../../../../run', 'far')
  link(0, 'loop', 'loop')
  const at = (path: string) => contentAt(path, layers)
  expect([at('/var-run/app'), at('/var/lib/app'), at('/far/app'), at('/loop'), at('/loop/x')]).toEqual([
    '/run/app',
    '/run/app',
    '/run/app',
    undefined,
    undefined,
  ])
})

test('what an upper layer has made a file of is hidden below it', () => {
  directory(1, 'data/deep')
  writeFileSync(join(layers[0] as string, 'data'), '')
  expect(contentAt('/data/deep', layers)).toBe(undefined)
})
