import { expect, test } from 'vitest'
import { newId, randomBelow, randomBytes } from '../../../lib/kernel/random.js'

test('as many bytes as are asked for, and others each time', () => {
  expect(randomBytes(0)).toHaveLength(0)
  expect(randomBytes(32)).toHaveLength(32)
  expect(randomBytes(1000)).toHaveLength(1000)
  expect(randomBytes(32).equals(randomBytes(32))).toBe(false)
})

test('a number below the limit', () => {
  expect(randomBelow(1)).toBe(0)
  for (let count = 0; count < 100; count++) expect(randomBelow(7)).toBeOneOf([0, 1, 2, 3, 4, 5, 6])
})

test('an id whose short form is no number: it is a hostname', () => {
  expect(newId()).toMatch(/^[0-9a-f]{64}$/)
  const drawn = [`0123456789${'12'}${'ab'.repeat(26)}`, `0123456789${'1e'}${'12'.repeat(26)}`].map((hex) => Buffer.from(hex, 'hex'))
  expect(newId(() => drawn.shift() as Buffer)).toBe(`0123456789${'1e'}${'12'.repeat(26)}`)
})
