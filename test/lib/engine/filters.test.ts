import { describe, expect, test } from 'vitest'
import { createdAt, createdSince } from '../../../lib/cli/table.js'
import { switchOf } from '../../../lib/cli/verb.js'
import { booleanFilter, matchesLabels, matchesPattern, parseFilters } from '../../../lib/engine/filters.js'
import { parseMoment } from '../../../lib/kernel/moments.js'

const KNOWN = ['dangling', 'label']

describe('filters', () => {
  test('values of a key are kept together; what is none is refused as Docker does', () => {
    expect(parseFilters(['label=a', ' Label = b=c ', 'dangling=true'], KNOWN)).toEqual(
      new Map([
        ['label', ['a', 'b=c']],
        ['dangling', ['true']],
      ]),
    )
    expect(() => parseFilters(['nope=1'], KNOWN)).toThrow("Invalid filter 'nope'")
    expect(() => parseFilters(['nope'], KNOWN)).toThrow('it is KEY=VALUE')
  })

  test('true and false', () => {
    const dangling = (...texts: string[]) => booleanFilter(parseFilters(texts, KNOWN), 'dangling')
    expect([dangling(), dangling('dangling=true'), dangling('dangling=0')]).toEqual([undefined, true, false])
    expect(() => dangling('dangling=maybe')).toThrow("Invalid filter 'dangling=[maybe]'")
    expect(() => dangling('dangling=1', 'dangling=0')).toThrow("Invalid filter 'dangling=[1 0]'")
  })

  test('labels: by key, and by key and value; all of them', () => {
    const labels = { a: '1', b: '' }
    const holds = (...texts: string[]) => matchesLabels(parseFilters(texts, KNOWN), labels)
    expect([holds(), holds('label=a'), holds('label=a=1', 'label=b='), holds('label=a=2'), holds('label=c')]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test.each([
    ['ubu*', 'ubuntu', true],
    ['*', 'library/ubuntu', false],
    ['*/*', 'library/ubuntu', true],
    ['*:latest', 'ubuntu:latest', true],
    ['[a-c]?p', 'app', true],
    ['[^a]pp', 'app', false],
    ['a.p', 'app', false],
    ['a\\*', 'a*', true],
  ])('%s and %s: %j', (pattern, name, does) => {
    expect(matchesPattern(pattern, name)).toBe(does)
  })

  test('moments: so long ago, or when', () => {
    const now = 1_000_000_000_000
    expect(parseMoment('1h30m', now)).toBe(now - 5_400_000)
    expect(parseMoment('1700000000', now)).toBe(1_700_000_000_000)
    expect(parseMoment('2026-01-31T10:00:00Z', now)).toBe(Date.parse('2026-01-31T10:00:00Z'))
    expect(() => parseMoment('yesterday')).toThrow('invalid time "yesterday"')
  })
})

test('a switch that is on until it is switched off', () => {
  expect(switchOf(['app', '-H=false', '-q'], '-H', '--human')).toEqual({ on: false, rest: ['app', '-q'] })
  expect(switchOf(['--human=true', '-H'], '-H', '--human')).toEqual({ on: true, rest: ['-H'] })
  expect(switchOf(['--', '-H=false'], '-H', '--human')).toEqual({ on: true, rest: ['--', '-H=false'] })
})

test('times of images', () => {
  const now = Date.parse('2026-01-01T00:00:03Z')
  expect(createdSince('2026-01-01T00:00:00Z', now)).toBe('3 seconds ago')
  expect(createdSince('0001-01-01T00:00:00Z', now)).toBe('N/A')
  expect(createdAt('2026-07-01T10:00:00.5Z')).toMatch(/^2026-07-01 \d\d:\d\d:00 [+-]\d{4} \S+$/)
})
