import { expect, test } from 'vitest'
import { asDuration, parseDuration, showDuration } from '../../../lib/kernel/durations.js'

test.each([
  ['0', 0, '0s'],
  ['-0', 0, '0s'],
  ['1h0.5m', 3630e9, '1h0m30s'],
  ['1500ms', 1.5e9, '1.5s'],
  ['2us', 2000, '2µs'],
  ['.5ms', 500_000, '500µs'],
  ['1.s', 1e9, '1s'],
  ['+90s', 90e9, '1m30s'],
  ['-90s', -90e9, '-1m30s'],
  ['1.5h2ms3ns', 5_400_002_000_003, '1h30m0.002000003s'],
  // What is less than a nanosecond goes, part by part.
  ['1.9ns', 1, '1ns'],
  ['0.6ns0.6ns', 0, '0s'],
])('%s', (word, nanoseconds, shown) => {
  expect([parseDuration(word) + 0, showDuration(nanoseconds)]).toEqual([nanoseconds, shown])
})

test.each([
  ['', 'invalid'],
  ['x', 'invalid'],
  ['-', 'invalid'],
  ['.s', 'invalid'],
  ['+-1s', 'invalid'],
  ['1s x', 'unknown unit "s x" in'],
  ['1', 'missing unit in'],
  ['1s2', 'missing unit in'],
  ['1d', 'unknown unit "d" in'],
  ['1constructor', 'unknown unit "constructor" in'],
  // Past 292 years.
  ['2562048h', 'invalid'],
])('%j is no duration', (word, what) => {
  expect(() => parseDuration(word)).toThrow(`time: ${what} duration ${JSON.stringify(word)}`)
  expect(asDuration(word)).toBeUndefined()
})

test('durations as Go prints them', () => {
  expect([500, 1000, 1500, 30_000, 60_000, 90_500, 3_600_000].map((millis) => showDuration(millis * 1e6))).toEqual([
    '500ms',
    '1s',
    '1.5s',
    '30s',
    '1m0s',
    '1m30.5s',
    '1h0m0s',
  ])
})
