import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claim, unclaimed } from '../../../../lib/image/store/claims.js'
import { deadOwner } from '../../../support/dead-owner.js'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-claims-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

it('one at a time has it, and everybody gets it in the end', async () => {
  let inside = 0
  let most = 0
  const turns = Array.from({ length: 12 }, async () => {
    const { release } = await claim(directory, 'thing')
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 3))
    inside--
    release()
  })
  await Promise.all(turns)
  expect(most).toBe(1)
  expect(readdirSync(directory)).toEqual([])
})

it('another name is another thing', async () => {
  const first = await claim(directory, 'one')
  const second = await claim(directory, 'two')
  first.release()
  second.release()
})

it('a claim of a program that is gone holds nobody up, and its file goes', async () => {
  writeFileSync(join(directory, `thing.owner-${deadOwner()}`), '')
  await unclaimed(directory, 'thing')
  expect(readdirSync(directory)).toEqual([])
})

it('who waits can be told to stop, and leaves nothing', async () => {
  const { release } = await claim(directory, 'thing')
  const stop = new AbortController()
  const waiting = claim(directory, 'thing', { signal: stop.signal, onWait: () => stop.abort(new Error('enough')) })
  await expect(waiting).rejects.toThrow('enough')
  expect(readdirSync(directory)).toHaveLength(1)
  release()
})
