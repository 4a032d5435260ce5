/** Files of a log in the middle of a rotation, when one name between two others is nobody's. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LogFile, openLog, successor } from '../../../lib/engine/inside/log-files.js'

let directory = ''
let path = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-log-'))
  path = join(directory, 'log')
  for (const [name, text] of Object.entries({ 'log.2': 'first\n', 'log.1': 'second\n', log: 'third\n' }))
    writeFileSync(join(directory, name), text)
})
afterEach(() => rmSync(directory, { recursive: true }))

const rename = (from: string, to: string) => renameSync(join(directory, from), join(directory, to))

async function said(files: readonly LogFile[]): Promise<string[]> {
  const words: string[] = []
  for (const file of files) for await (const lines of file.lines()) words.push(...lines.map(String))
  return words
}

test.each([
  ['before it', []],
  ['the oldest has moved', [['log.2', 'log.3']]],
  [
    'the one after it too',
    [
      ['log.2', 'log.3'],
      ['log.1', 'log.2'],
    ],
  ],
  [
    'there is no youngest',
    [
      ['log.2', 'log.3'],
      ['log.1', 'log.2'],
      ['log', 'log.1'],
    ],
  ],
] as const)('all are read: %s', async (_, renames) => {
  for (const [from, to] of renames) rename(from, to)
  const files = await openLog(path, undefined)
  expect(await said(files)).toEqual(['first', 'second', 'third'])
  await Promise.all(files.map((file) => file.close()))
})

test('one whose next name is nobody’s for a moment has not been deleted', async () => {
  const [first, ...others] = (await openLog(path, undefined)) as [LogFile, ...LogFile[]]
  rename('log.2', 'log.3')
  rename('log.1', 'log.2')
  const second = await successor(path, first)
  expect(second && (await said([second]))).toEqual(['second'])
  // The one that comes next has moved half of the way: it is the youngest yet.
  const third = second && (await successor(path, second))
  expect(third).toBeUndefined()
  rename('log', 'log.1')
  const found = second && (await successor(path, second))
  expect(found && (await said([found]))).toEqual(['third'])
  await Promise.all([first, second, found, ...others].map((file) => file?.close()))
})

test('of what was deleted the oldest that there is goes on', async () => {
  const [first, ...others] = (await openLog(path, undefined)) as [LogFile, ...LogFile[]]
  rmSync(join(directory, 'log.2'))
  const next = await successor(path, first)
  expect(next && (await said([next]))).toEqual(['second'])
  await Promise.all([first, next, ...others].map((file) => file?.close()))
})
