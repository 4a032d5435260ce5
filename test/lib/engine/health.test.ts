/** Health checks: what is asked for, what answers mean, when the next one is due. */
import { expect, test } from 'vitest'
import { answered, beginning, type HealthState, pauseBefore, unasked } from '../../../lib/engine/health/state.js'
import { healthBody, healthOf } from '../../../lib/engine/request/health.js'

const SECOND = 1_000_000_000
const request = { argv: ['true'], interval: 30_000, timeout: 30_000, startPeriod: 10_000, startInterval: 5_000, retries: 3 }
const STARTED = '2026-01-01T00:00:00Z'
const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
const nanos = (second: number) => BigInt(Date.parse(at(second))) * 1_000_000n

function after(
  answers: readonly (readonly [second: number, code: number])[],
  state: HealthState = beginning(STARTED, undefined),
): HealthState {
  return answers.reduce(
    (now, [second, ExitCode]) => answered(now, { Start: at(second), End: at(second), ExitCode, Output: `${second}` }, request),
    state,
  )
}

test('what says nothing is filled in, first by the image and then by docker', () => {
  const image = { Test: ['CMD', 'ask'], Interval: 7 * SECOND, Retries: 9 }
  expect(healthOf(healthBody({ Retries: 2, Timeout: SECOND / 2, Test: null }, image)).health).toEqual({
    ...request,
    argv: ['ask'],
    interval: 7000,
    timeout: 500,
    startPeriod: 0,
    retries: 2,
  })
  expect(healthBody(undefined, undefined)).toBeUndefined()
  expect(healthBody(undefined, image)).toEqual(image)
  expect(healthOf(healthBody({ Test: ['NONE'] }, image)).health).toBeUndefined()
  expect(healthOf(healthBody({ Test: ['CMD-SHELL', 'a && b'] }, null)).health?.argv).toEqual(['/bin/sh', '-c', 'a && b'])
  expect(healthOf({ Test: ['CMD-SHELL', 'x'] }, ['bash', '-ec']).health?.argv).toEqual(['bash', '-ec', 'x'])
  expect(healthOf({ Test: ['PING'] })).toEqual({ warnings: ["Unknown healthcheck type 'PING' (expected 'CMD')"] })
})

test('what cannot be is refused in docker’s words', () => {
  const refused = (body: object) => {
    try {
      healthOf(healthBody(body, undefined))
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refused({ Interval: 1000 })).toBe('Interval in Healthcheck cannot be less than 1ms')
  expect(refused({ StartPeriod: -1 })).toBe('StartPeriod in Healthcheck cannot be less than 1ms')
  expect(refused({ Retries: -1 })).toBe('Retries in Healthcheck cannot be negative')
  expect(refused({ Test: 'true' })).toContain('Healthcheck.Test must be a list of strings')
  expect(refused({ Test: ['CMD'] })).toContain('names no program')
})

test('failures count one behind the other, and not before its time to start is over or it was well once', () => {
  expect(
    after([
      [1, 1],
      [5, 1],
      [9, 1],
    ]),
  ).toMatchObject({ status: 'starting', failingStreak: 0 })
  expect(
    after([
      [1, 1],
      [11, 1],
      [12, 1],
    ]),
  ).toMatchObject({ status: 'starting', failingStreak: 2 })
  expect(
    after([
      [11, 1],
      [12, -1],
      [13, 126],
    ]),
  ).toMatchObject({ status: 'unhealthy', failingStreak: 3 })
  expect(
    after([
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
    ]),
  ).toMatchObject({ status: 'unhealthy', failingStreak: 3 })
  expect(
    after([
      [11, 1],
      [12, 1],
      [13, 0],
      [14, 1],
    ]),
  ).toMatchObject({ status: 'healthy', failingStreak: 1 })
})

test('the last five answers are kept, also those of an earlier run', () => {
  const state = after([1, 2, 3, 4, 5, 6, 7].map((second) => [second, 0] as const))
  expect(state.log.map(({ Output }) => Output)).toEqual(['3', '4', '5', '6', '7'])
  expect(beginning(at(8), unasked(state))).toEqual({ status: 'starting', failingStreak: 0, log: state.log, startedAt: at(8) })
})

test('while it starts it is asked more often', () => {
  const starting = beginning(STARTED, undefined)
  expect(pauseBefore(starting, request, nanos(2))).toBe(5_000)
  expect(pauseBefore(starting, request, nanos(10))).toBe(30_000)
  expect(pauseBefore({ ...starting, status: 'healthy' }, request, nanos(2))).toBe(30_000)
})
