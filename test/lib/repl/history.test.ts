import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { History } from '../../../lib/repl/history.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-history-'))
})
afterEach(() => rmSync(home, { recursive: true }))

describe('History', () => {
  it('keeps lines for the next time, newest first', () => {
    const path = join(home, 'history')
    const history = new History(path)
    for (const line of ['one', 'two', 'two', '  ']) history.add(line)
    expect(new History(path).newestFirst).toEqual(['two', 'one'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('forgets the oldest', () => {
    const path = join(home, 'history')
    writeFileSync(path, Array.from({ length: 1500 }, (_, index) => `line ${index}\n`).join(''))
    expect(new History(path).newestFirst).toHaveLength(1000)
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('line 500')
  })

  it('works without a place to keep it', () => {
    const history = new History(join(home, 'nowhere', 'history'))
    history.add('one')
    expect(history.newestFirst).toEqual(['one'])
    expect(new History(join(home, 'nowhere', 'history')).newestFirst).toEqual([])
  })
})
