import { expect, test } from 'vitest'
import { parseBytes, parseInteger, parseMemory, parseSwap } from '../../../lib/engine/units.js'

test.each([
  ['1024', 1024],
  ['64k', 64 * 1024],
  ['512m', 512 * 1024 ** 2],
  ['512MB', 512 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['2GiB', 2 * 1024 ** 3],
  ['1 t', 1024 ** 4],
  ['17b', 17],
])('%s is %i bytes', (text, bytes) => {
  expect(parseBytes(text, '--memory')).toBe(bytes)
})

test.each(['', 'm', '1x', '-5', '1.2.3m', '10mm', '0x10', '1e400g'])('%j is no size, and the sentence says what one is', (text) => {
  expect(() => parseBytes(text, '--shm-size')).toThrow(`invalid argument "${text}" for --shm-size: a size is a number`)
})

test('less memory than a program needs is refused in Docker’s words', () => {
  expect(() => parseMemory('1m')).toThrow('Minimum memory limit allowed is 6MB')
  expect(parseMemory('6m')).toBe(6 * 1024 ** 2)
})

test('swap may be without limit', () => {
  expect(parseSwap('-1')).toBe(-1)
  expect(parseSwap('1g')).toBe(1024 ** 3)
})

test('whole numbers are whole', () => {
  expect(parseInteger('-1', '--pids-limit')).toBe(-1)
  expect(() => parseInteger('1.5', '--pids-limit')).toThrow('it is no whole number')
  expect(() => parseInteger('', '--pids-limit')).toThrow('it is no number')
})
