import { describe, expect, it } from 'vitest'
import { figure, judge, ratioText } from '../../bench/page/judge.js'
import { distributionOf, type Machine, processorOf, rootTypeOf } from '../../bench/page/machine.js'
import { writePage } from '../../bench/page/markdown.js'
import type { Comparison, Result } from '../../bench/page/result.js'

const COMPARISON: Comparison = {
  key: 'race',
  title: 'a race',
  unit: 'ms',
  better: 'less',
  own: 'drydock',
  cases: [
    {
      label: 'short',
      values: { drydock: [10], peer: [100] },
      targets: [
        { peer: 'peer', bound: 1 / 5 },
        { bound: 8, reason: 'it waits for a door' },
      ],
    },
    {
      label: 'long',
      values: { drydock: [30], peer: [90] },
      targets: [
        { case: 'short', bound: 4 },
        { peer: 'nobody', bound: 1 },
      ],
    },
  ],
}

const MACHINE: Machine = {
  processor: 'Abacus',
  cores: 2,
  memoryGiB: 16,
  kernel: '6.1',
  distribution: 'Some Linux',
  cgroups: 'v2',
  fileSystem: 'tmpfs',
}

const result = (more: Partial<Result> = {}): Result => ({
  name: 'race',
  title: 'Races',
  about: 'They run.',
  when: '2024-05-06T07:08:09.000Z',
  seconds: 3,
  quick: false,
  commands: ['run fast'],
  versions: { peer: '1.2.3' },
  comparisons: [COMPARISON],
  timelines: [{ key: 'laps', title: 'Laps', stretches: [{ name: 'first', calls: 3, median: 12 }] }],
  notes: ['It rained.'],
  ...more,
})

describe('judge', () => {
  it('holds a median against a part of a peer’s, a value, and another case, and leaves out what was not measured', () => {
    expect(judge(COMPARISON).map(({ label, measured, met }) => [label, measured.ratio, met])).toEqual([
      ['short', 0.1, true],
      ['short', 10, false],
      ['long', 3, true],
    ])
  })

  it('turns a bound round where more is better', () => {
    expect(judge({ ...COMPARISON, better: 'more' }).map(({ met }) => met)).toEqual([false, true, false])
  })
})

describe('words of figures', () => {
  it.each([
    [0, '0'],
    [0.5, '0.50'],
    [0.00123, '0.0012'],
    [7.3456, '7.35'],
    [203.7, '204'],
    [12345.6, '12346'],
    [-0.9, '-0.90'],
  ])('%d is %s', (value, words) => expect(figure(value)).toBe(words))

  it.each([
    [1 / 5, '1/5'],
    [1 / 24.5, '1/24.5'],
    [1, '×1'],
    [20, '×20'],
  ])('a ratio of %d is %s', (value, words) => expect(ratioText(value)).toBe(words))
})

describe('writePage', () => {
  const { markdown, pictures } = writePage([result()], MACHINE)

  it('has each picture that it shows, and shows each that it has', () => {
    const shown = [...markdown.matchAll(/\]\(images\/([^)]+)\)/g)].map(([, name]) => name)
    expect(shown).toEqual(['bench-race.svg', 'bench-laps.svg'])
    expect(Object.keys(pictures)).toEqual(shown)
  })

  it('says of each target whether it is met, and of a missed one why', () => {
    expect(markdown).toContain('| a race | short | 1/10 of peer (1/10 to 1/10) | at most 1/5 | met |')
    expect(markdown).toContain('| a race | short | 10.0 ms | at most 8.00 ms | **missed** |')
    expect(markdown).toContain('- **a race (short)**: it waits for a door')
  })

  it('has figures, commands, notes, the machine and the versions', () => {
    expect(markdown).toContain('| long | peer | 90.0 | 90.0 | 90.0 | 1 | 1/3 (1/3 to 1/3) |')
    expect(markdown).toContain('```sh\nrun fast\n```')
    expect(markdown).toContain('- It rained.')
    expect(markdown).toContain('| processor | Abacus, 2 cores |')
    expect(markdown).toContain('| peer | 1.2.3 |')
  })

  it('warns of few rounds', () => {
    expect(markdown).not.toContain('few rounds**')
    expect(writePage([result({ quick: true })], MACHINE).markdown).toContain('**with few rounds**')
  })

  it('has no chapter of misses where there is none', () => {
    expect(writePage([result({ comparisons: [] })], MACHINE).markdown).not.toContain('What is missed')
  })
})

describe('the machine', () => {
  it('is read from the kernel’s words', () => {
    expect(processorOf('processor\t: 0\nmodel name\t: Fast CPU @ 3GHz\n', 'x64')).toBe('Fast CPU @ 3GHz')
    expect(processorOf('processor\t: 0\nBogoMIPS\t: 50\n', 'arm64')).toBe('arm64')
    expect(distributionOf('NAME=x\nPRETTY_NAME="Some Linux 12 (word)"\n')).toBe('Some Linux 12 (word)')
    expect(rootTypeOf('rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n/dev/a / ext4 rw 0 0\n')).toBe('ext4')
  })
})
