import { expect, test } from 'vitest'
import { rowsOf } from '../../../lib/cli/image-rows.js'
import { parseFilters } from '../../../lib/engine/filters.js'
import { filterImages } from '../../../lib/engine/image-filters.js'
import type { Image } from '../../../lib/image/store/index.js'

const hex = (digit: string) => `sha256:${digit.repeat(64)}` as const

function image(
  digit: string,
  created: string,
  more: Partial<Image> & { labels?: Record<string, string>; parent?: Image['id'] } = {},
): Image {
  const { labels, parent, ...rest } = more
  return {
    id: hex(digit),
    config: {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [] },
      ...(labels && { config: { Labels: labels } }),
    },
    record: { version: 1, id: hex(digit), layers: [], size: 0, ...(parent && { parent }) },
    tags: [],
    digests: [],
    layers: [],
    size: 0,
    created,
    ...rest,
  }
}

const APP = image('a', '2026-01-03T00:00:00Z', {
  tags: ['app:latest', 'localhost:5000/lib/app:v2'],
  digests: [`localhost:5000/lib/app@${hex('d')}`],
  labels: { tier: 'front' },
  parent: hex('c'),
})
const BASE = image('b', '2026-01-01T00:00:00Z', { tags: ['library/base:latest'].map(() => 'base:latest') })
const STEP = image('c', '2026-01-02T00:00:00Z')
const LEFT = image('e', '2026-01-04T00:00:00Z')
const PULLED = image('f', '2025-01-01T00:00:00Z', { digests: [`debian@${hex('1')}`] })
const ALL = [LEFT, APP, STEP, BASE, PULLED]

const listed = (filters: string[], all = false) =>
  filterImages(ALL, parseFilters(filters, ['dangling', 'label', 'before', 'since', 'until', 'reference']), { all }).map(
    (found) => found.image.id[7],
  )

test('those that are only parts of others are left out, unless all are asked for', () => {
  expect(listed([])).toEqual(['e', 'a', 'b', 'f'])
  expect(listed([], true)).toEqual(['e', 'a', 'c', 'b', 'f'])
})

test.each([
  [['dangling=true'], ['e']],
  [['dangling=false'], ['a', 'b', 'f']],
  [['label=tier'], ['a']],
  [['label=tier=back'], []],
  [['before=app'], ['b', 'f']],
  [['since=base'], ['e', 'a']],
  [[`since=${hex('b')}`, 'before=eeee'], ['a']],
  [['until=2026-01-01T12:00:00Z'], ['b', 'f']],
  [['reference=a*'], ['a']],
  [['reference=localhost:5000/*/*'], ['a']],
  [['reference=debian'], ['f']],
  [
    ['reference=base', 'reference=debian'],
    ['b', 'f'],
  ],
])('%j leaves %j', (filters, digits) => {
  expect(listed(filters)).toEqual(digits)
})

test('what is not there cannot be before anything', () => {
  expect(() => listed(['before=nothing'])).toThrow('No such image: nothing')
})

test('a row a name; digests where they are asked for', () => {
  const shown = (of: Image, withDigests = false) =>
    rowsOf(of, of, withDigests).map(({ repository, tag, digest }) => [repository, tag, digest])
  expect(shown(APP)).toEqual([
    ['app', 'latest', '<none>'],
    ['localhost:5000/lib/app', 'v2', '<none>'],
  ])
  expect(shown(APP, true)[1]).toEqual(['localhost:5000/lib/app', 'v2', hex('d')])
  expect(shown(PULLED)).toEqual([['debian', '<none>', '<none>']])
  expect(shown(PULLED, true)).toEqual([['debian', '<none>', hex('1')]])
  expect(shown(LEFT)).toEqual([['<none>', '<none>', '<none>']])
})
