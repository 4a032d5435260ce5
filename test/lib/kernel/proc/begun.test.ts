import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { begun } from '../../../../lib/kernel/proc/begun.js'

const PID = 7

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-begun-'))
  mkdirSync(join(root, String(PID)))
})
afterEach(() => rmSync(root, { recursive: true }))

/** As the kernel shows a process in this state, with these arguments. */
function show(state: string, commandLine: string): void {
  writeFileSync(join(root, `${PID}/cmdline`), commandLine)
  writeFileSync(join(root, `${PID}/stat`), `${PID} (sh) ${state} 1 7 7 0 -1 4194560 ${'0 '.repeat(40)}\n`)
}

it('waits until a process has the arguments of its program', async () => {
  show('R', '')
  let over = false
  const waited = begun(PID, root).then(() => {
    over = true
  })
  await sleep(50)
  expect(over).toBe(false)
  show('S', 'sleep\x001000\0')
  await waited
})

it.each(['Z', 'X'])('waits for none that has ended: %s', async (state) => {
  show(state, '')
  await begun(PID, root)
})

it('waits for none that is not there', async () => {
  await begun(PID + 1, root)
})
