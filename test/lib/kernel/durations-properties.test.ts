/** What holds of every length of time: as it is shown it is the same again, and what is none is refused. */
import { describe, expect, test } from 'vitest'
import { parseDuration, showDuration } from '../../../lib/kernel/durations.js'
import { answerOf, fc, RUNS } from '../../support/properties.js'

describe('a length of time', () => {
  test('as it is shown is the same again', () => {
    // Whole milliseconds: what Go shows of more digits than a double has, differs in the last one.
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (milliseconds) => {
        expect(parseDuration(showDuration(milliseconds * 1e6))).toBe(milliseconds * 1e6)
      }),
    )
  })

  test('is one, or refused, and never endless', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'09.-+ ', 'ns', 'us', 'µs', 'ms', 's', 'm', 'h', '999999999'), maxLength: 12 }),
        (word) => {
          const found = answerOf(() => parseDuration(word))
          if (found !== undefined) expect(Number.isFinite(found) && Math.abs(found) <= 2 ** 63).toBe(true)
        },
      ),
      { numRuns: 5 * RUNS },
    )
  })
})
