import { describe, expect, test } from 'vitest'
import { Turns } from '../../../lib/picture/turns.js'

const keys = (count: number) => new Set(Array.from({ length: count }, (_, index) => `${index}`))

/** Which of them are looked at in so many pictures. */
function looked(turns: Turns, all: ReadonlySet<string>, pictures: number): string[][] {
  return Array.from({ length: pictures }, () => {
    turns.begin(all)
    return [...all].filter((key) => turns.due(key))
  })
}

describe('turns', () => {
  test('a few are looked at each time', () => {
    expect(looked(new Turns(), keys(64), 3).map(({ length }) => length)).toEqual([64, 64, 64])
  })

  test('of many all the first time, then at most 64 a picture, and each within as many pictures as it takes', () => {
    const [first, ...rest] = looked(new Turns(), keys(200), 5)
    expect(first).toHaveLength(200)
    expect(Math.max(...rest.map(({ length }) => length))).toBeLessThanOrEqual(64)
    expect(new Set(rest.flat()).size).toBe(200)
  })

  test('one that is new is looked at at once, one that was away too', () => {
    const turns = new Turns()
    const most = keys(200)
    looked(turns, most, 2)
    turns.begin(new Set([...most, 'new']))
    expect(turns.due('new')).toBe(true)
    looked(turns, most, 1)
    turns.begin(new Set([...most, 'new']))
    expect(turns.due('new')).toBe(true)
  })
})
