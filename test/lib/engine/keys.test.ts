import { expect, test } from 'vitest'
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '../../../lib/engine/keys.js'

const typed = (keys: DetachKeys, text: string) => {
  const { through, detached } = keys.pass(Buffer.from(text))
  return { through: Buffer.from(through).toString(), detached }
}

test('keys in Docker’s words', () => {
  expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17])
  expect([...parseDetachKeys('a,ctrl-@,ctrl-_,ctrl-[')]).toEqual([97, 0, 31, 27])
  expect([...parseDetachKeys('')]).toEqual([])
  expect(() => parseDetachKeys('ctrl-1')).toThrow('invalid detach keys "ctrl-1"')
  expect(() => parseDetachKeys('ab')).toThrow("'ab' is neither one letter")
})

test('what is not the keys goes through, also when it began like them', () => {
  const keys = new DetachKeys(parseDetachKeys(DEFAULT_DETACH_KEYS))
  expect(typed(keys, 'ls\r')).toEqual({ through: 'ls\r', detached: false })
  expect(typed(keys, '\x10')).toEqual({ through: '', detached: false })
  expect(typed(keys, 'x')).toEqual({ through: '\x10x', detached: false })
  expect(typed(keys, '\x10\x10')).toEqual({ through: '\x10', detached: false })
  expect(typed(keys, '\x11')).toEqual({ through: '', detached: true })
})

test('the keys in one piece with what was typed before them', () => {
  const keys = new DetachKeys(parseDetachKeys(DEFAULT_DETACH_KEYS))
  expect(typed(keys, 'exit\x10\x11lost')).toEqual({ through: 'exit', detached: true })
})

test('without keys everything goes through', () => {
  expect(typed(new DetachKeys(new Uint8Array()), '\x10\x11')).toEqual({ through: '\x10\x11', detached: false })
})
