/** A checkout whose path means something else in an address: `#` and `%`, a quote, spaces, letters that are not ASCII. */
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
  checkout = join(top, "o'c# and ünder 100%25", 'drydock')
  mkdirSync(checkout, { recursive: true })
  for (const name of OWN) cpSync(join(ROOT, name), join(checkout, name), { recursive: true, preserveTimestamps: true })
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

const start = (...args: string[]) => typed('', ...args)
const typed = (input: string, ...args: string[]) =>
  execa(process.execPath, ['scripts/start.cjs', ...args], {
    cwd: checkout,
    input,
    reject: false,
    env: { DRYDOCK_RUN_DIR: join(top, 'run'), DRYDOCK_STATE_DIR: join(top, 'state') },
  })

test('the prompt works there, and what it saves elsewhere can be loaded', async () => {
  const file = join(top, 'clone3.ts')
  const { stderr, exitCode } = await typed(`clone uts\nsave ${file}\n`, 'repl')
  expect([exitCode, stderr]).toEqual([0, ''])
  const program = `console.log(require(${JSON.stringify(file)}).clone3Steps().length)`
  const loaded = await execa(process.execPath, ['--import', 'tsx', '-e', program], { cwd: checkout })
  expect(loaded.stdout).toBe('1')
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
