import { describe, expect, it } from 'vitest'
import { medianOf, ratioOf, spreadOf } from '../../bench/page/statistics.js'

describe('spreadOf', () => {
  it('takes the values in their order, not as text and not as they came', () => {
    expect(spreadOf([100, 9, 30, 20, 1])).toEqual({ median: 20, p10: 1, p90: 100 })
  })

  it('is the value itself where there is one', () => {
    expect(spreadOf([7])).toEqual({ median: 7, p10: 7, p90: 7 })
  })

  it('leaves what it was given as it was', () => {
    const values = [3, 1, 2]
    medianOf(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('ratioOf', () => {
  const around = (centre: number, spread: number) => Array.from({ length: 40 }, (_, index) => centre + spread * Math.sin(index))

  it('is of the medians, with an interval around it', () => {
    const { ratio, low, high } = ratioOf(around(10, 3), around(50, 5))
    expect(ratio).toBeCloseTo(medianOf(around(10, 3)) / medianOf(around(50, 5)))
    expect(low).toBeLessThan(ratio)
    expect(high).toBeGreaterThan(ratio)
  })

  it('is surer of values that agree', () => {
    const width = ({ low, high }: { low: number; high: number }) => high - low
    expect(width(ratioOf(around(10, 0.1), around(50, 0.1)))).toBeLessThan(width(ratioOf(around(10, 4), around(50, 4))))
  })

  it('has no interval where nothing spreads', () => {
    expect(ratioOf([2], [8])).toEqual({ ratio: 0.25, low: 0.25, high: 0.25 })
  })

  it('says the same of the same values', () => {
    expect(ratioOf(around(10, 3), around(50, 5))).toEqual(ratioOf(around(10, 3), around(50, 5)))
  })
})
