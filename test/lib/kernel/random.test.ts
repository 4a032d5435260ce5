import { expect, test } from 'vitest'
import { randomBelow, randomBytes } from '../../../lib/kernel/random.js'

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
