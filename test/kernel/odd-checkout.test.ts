/** A checkout whose path means something else in an address: what stands for `#` and `%` there, spaces, letters that are not ASCII. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect } from 'vitest'
import { requires } from '../support/requires.js'

const test = requires('root')
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OWN = ['scripts', 'lib', 'lessons', 'native', 'package.json', 'package-lock.json', 'tsconfig.json']

let top: string
let checkout: string
beforeAll(() => {
  // Not in /tmp: a host has one of its own.
  top = mkdtempSync('/var/tmp/drydock-odd-')
  checkout = join(top, 'c# and ünder 100%25', 'drydock')
  mkdirSync(checkout, { recursive: true })
  for (const name of OWN) cpSync(join(ROOT, name), join(checkout, name), { recursive: true, preserveTimestamps: true })
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

const start = (...args: string[]) =>
  execa(process.execPath, ['scripts/start.cjs', ...args], {
    cwd: checkout,
    reject: false,
    env: { DRYDOCK_RUN_DIR: join(top, 'run'), DRYDOCK_STATE_DIR: join(top, 'state') },
  })

test('the prompt works there', async () => {
  const { stderr, exitCode } = await start('repl', '--help')
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
})

test('the two hosts come up there, and know its command', async () => {
  try {
    const up = await start('hosts')
    expect(up.stderr).toBe('')
    const { stdout, stderr } = await start('hosts', 'exec', 'vm-1', 'drydock', '--version')
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^drydock version/), ''])
  } finally {
    await start('hosts', 'down')
  }
})
