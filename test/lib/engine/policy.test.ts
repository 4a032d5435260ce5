import { describe, expect, test } from 'vitest'
import { pauseAfter, restarts, startsWithEngine } from '../../../lib/engine/life/policy.js'

const ended = (exitCode: number, more: { stopped?: boolean; restartCount?: number } = {}) => ({
  exitCode,
  stopped: false,
  restartCount: 0,
  ...more,
})

describe('whether it is started again', () => {
  const answers = (policy: 'no' | 'always' | 'on-failure' | 'unless-stopped', most = 0) => [
    restarts({ policy, most }, ended(0)),
    restarts({ policy, most }, ended(1, { restartCount: 2 })),
    restarts({ policy, most }, ended(1, { stopped: true })),
  ]

  test('by each policy: ended well, ended badly for the third time, stopped by somebody', () => {
    expect(answers('no')).toEqual([false, false, false])
    expect(answers('always')).toEqual([true, true, false])
    expect(answers('unless-stopped')).toEqual([true, true, false])
    expect(answers('on-failure')).toEqual([false, true, false])
    expect(answers('on-failure', 3)).toEqual([false, true, false])
    expect(answers('on-failure', 2)).toEqual([false, false, false])
  })

  test('when an engine begins `always` is stronger than somebody’s wish of before', () => {
    const stopped = ended(0, { stopped: true })
    expect(
      (['no', 'always', 'unless-stopped', 'on-failure'] as const).map((policy) => startsWithEngine({ policy, most: 0 }, stopped)),
    ).toEqual([false, true, false, false])
  })
})

test('pauses grow to a minute, and are short again after a long run', () => {
  const pauses: number[] = []
  for (let at = 0; at < 12; at++) pauses.push(pauseAfter(1_000_000n, pauses.at(-1)))
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000])
  expect(pauseAfter(10_000_000_000n, 60_000)).toBe(100)
})
