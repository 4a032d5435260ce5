import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inspectContainers } from '../../../lib/doctor/left-containers.js'
import type { Makers } from '../../../lib/doctor/makers.js'

const ID = 'ab'.repeat(32)
const nobody: Makers = { running: new Set(), serving: new Set(), reason: () => undefined }

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-left-'))
  for (const part of ['diff', 'work', 'merged']) mkdirSync(join(root, 'overlay', ID, part), { recursive: true })
  mkdirSync(join(root, 'names'))
  writeFileSync(join(root, 'names/boat'), ID)
  for (const path of [`overlay/${ID}`, 'names/boat']) utimesSync(join(root, path), 1e9, 1e9)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const container = (record: object) => {
  mkdirSync(join(root, 'containers', ID), { recursive: true })
  writeFileSync(join(root, 'containers', ID, 'config.json'), JSON.stringify(record))
}
const kinds = (makers = nobody) => inspectContainers(makers, root).map(({ kind }) => kind)

it('names and layers of no container are found; those of one that runs, or is kept, are not', () => {
  expect(kinds()).toEqual(['name', 'layer'])
  expect(kinds({ ...nobody, running: new Set([ID]) })).toEqual([])
  container({ version: 1, created: '', spec: { id: ID, name: 'boat', ephemeral: false } })
  expect(kinds()).toEqual([])
})

it('one that was to go with its process takes name and layer along, unless it runs', () => {
  container({ version: 1, created: '', spec: { id: ID, name: 'boat', ephemeral: true } })
  expect(kinds()).toEqual(['container'])
  expect(kinds({ ...nobody, running: new Set([ID]) })).toEqual([])
})

it('what a shim that lives may be making is left alone, and a record of another version too', () => {
  const [name] = inspectContainers({ ...nobody, reason: (when) => (when === 1e12 ? 'shim 7' : undefined) }, root)
  expect(name?.kept).toBe('shim 7')
  container({ version: 2, spec: {} })
  expect(kinds()).toEqual([])
})
