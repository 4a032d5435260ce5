/** Whose ids a daemon's containers get: `--userns-remap`. */
import { describe, expect, test } from 'vitest'
import { planRemap, type RemapHost } from '../../../lib/primitives/remap-plan.js'

const everything = [{ inside: 0, outside: 0, count: 4294967295 }]
const host: RemapHost = {
  passwd: 'root:x:0:0::/root:/bin/sh\nlodger:x:4711:4712::/:/bin/false\nguest:x:4713:4713::/:/bin/false\n',
  group: 'root:x:0:\nlodger:x:4712:\nguests:x:4714:\n',
  subuid: 'someone:100000:65536\nlodger:165536:1000\n4711:500000:10\ndockremap:231072:65536\n',
  subgid: 'someone:100000:65536\nlodger:165536:1000\n4714:600000:20\ndockremap:231072:65536\n',
  ownUidMap: everything,
  ownGidMap: everything,
}
const maps = (word: string, more: Partial<RemapHost> = {}) => {
  const { method, uids, gids } = planRemap(word, { ...host, ...more })
  const shown = (ranges: typeof uids) => ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`)
  return [method, shown(uids), shown(gids)]
}

describe('whose', () => {
  test('a user by name or number, with all ranges that name or number have; the group of the same name', () => {
    const both = ['root', ['0 165536 1000', '1000 500000 10'], ['0 165536 1000']]
    expect(maps('lodger')).toEqual(both)
    expect(maps('4711')).toEqual(both)
  })

  test('a user and a group', () => {
    const both = ['root', ['0 165536 1000', '1000 500000 10'], ['0 600000 20']]
    expect(maps('lodger:guests')).toEqual(both)
    expect(maps('4711:4714')).toEqual(both)
  })

  test('default: our own name where it has ranges, then Docker’s', () => {
    expect(maps('default')).toEqual(['root', ['0 231072 65536'], ['0 231072 65536']])
    const own = 'drydock:700000:65536\n'
    expect(maps('default', { subuid: host.subuid + own, subgid: host.subgid + own })[1]).toEqual(['0 700000 65536'])
    expect(maps('default', { subuid: host.subuid + own })[1]).toEqual(['0 231072 65536'])
  })
})

test.each<[string, Partial<RemapHost>, RegExp]>([
  ['a:b:c', {}, /^invalid user\/group specification in --userns-remap: "a:b:c": it is/],
  ['lodger:', {}, /^invalid user\/group specification/],
  ['nobody', {}, /there is no user nobody in \/etc\/passwd$/],
  ['99', {}, /there is no user 99 in/],
  ['guest', {}, /there is no group guest in \/etc\/group$/],
  ['lodger:nobody', {}, /there is no group nobody in/],
  [
    'guest:guests',
    {},
    /\/etc\/subuid has no range of ids for guest: add a line such as guest:500010:65536, to \/etc\/subuid and to \/etc\/subgid$/,
  ],
  ['lodger', { subgid: '' }, /\/etc\/subgid has no range of ids for lodger: add a line such as lodger:100000:65536/],
  ['default', { subuid: '' }, /\/etc\/subuid has no range of ids for dockremap/],
  // The host's own root must not be root inside, nor anybody who is not to be had.
  ['lodger', { subuid: 'lodger:0:65536\n' }, /the uids from 0 on .* are not to be had here$/],
  ['lodger', { ownGidMap: [{ inside: 0, outside: 0, count: 1000 }] }, /the gids from 165536 on/],
])('refused: %s %j', (word, more, sentence) => {
  expect(() => planRemap(word, { ...host, ...more })).toThrow(sentence)
})
