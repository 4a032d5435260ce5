import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { constant, flags, wordOf, wordsOf } from '../../../lib/kernel/constants.js'
import { type Group, WORDS } from '../../../lib/kernel/words.js'
import { generateWords } from '../../../scripts/words.js'

describe('words', () => {
  test('lib/kernel/words.ts is what native/constants.def makes it (npm run words)', () => {
    const definitions = readFileSync('native/constants.def', 'utf8')
    expect(readFileSync('lib/kernel/words.ts', 'utf8')).toBe(generateWords(definitions))
  })

  test('every word has a number on this machine', () => {
    for (const [group, words] of Object.entries(WORDS)) {
      for (const word of words) expect(constant(group as Group, word as never), `${group} ${word}`).toEqual(expect.any(Number))
    }
  })

  test('numbers are the kernel’s', () => {
    expect(flags('mount', ['nosuid', 'nodev'])).toBe(6)
    expect(flags('clone', ['uts', 'pid'])).toBe(0x24000000)
    expect(constant('at', 'fdcwd')).toBe(-100)
    expect(constant('capability', 'sys_admin')).toBe(21)
    expect(wordOf('signal', 9)).toBe('kill')
    expect(wordsOf('mount', 6 | (1 << 30))).toEqual({ words: ['nosuid', 'nodev'], rest: 1 << 30 })
  })
})
