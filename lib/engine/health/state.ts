/** How well a container is, by what its probes have answered. github.com/docker/docker, daemon/health.go, handleProbeResult. */
import type { HealthRequest, Layout } from '../../container/index.js'
import { replaceFile } from '../../kernel/new-file.js'
import { textIfReadable } from '../../kernel/readable.js'
import { nanosOf } from '../clock.js'

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy'

/** How many answers are kept. */
const KEPT = 5

/** Docker's HealthcheckResult; moments in RFC 3339. */
export interface ProbeResult {
  readonly Start: string
  readonly End: string
  /** 0: it is well; -1: the program was not run to its end. */
  readonly ExitCode: number
  readonly Output: string
}

export interface HealthState {
  readonly status: HealthStatus
  /** Failures one behind the other, those apart that came before it was well and within its time to start. */
  readonly failingStreak: number
  /** The newest last. */
  readonly log: readonly ProbeResult[]
  /** Of the run that it is about; RFC 3339. */
  readonly startedAt: string
}

/** Of one that begins to run; what was answered in earlier runs is known still, as docker has it. */
export const beginning = (startedAt: string, before: HealthState | undefined): HealthState => ({
  status: 'starting',
  failingStreak: 0,
  log: before?.log ?? [],
  startedAt,
})

/** Of one that nobody asks any more, since it has ended or stands still: docker's word for that, though nothing has happened to it. */
export const unasked = (state: HealthState): HealthState => ({ ...state, status: 'unhealthy' })

export function answered(state: HealthState, result: ProbeResult, { retries, startPeriod }: HealthRequest): HealthState {
  const log = [...state.log, result].slice(-KEPT)
  if (result.ExitCode === 0) return { ...state, log, status: 'healthy', failingStreak: 0 }
  if (state.status === 'starting' && millisSince(state.startedAt, nanosOf(result.Start)) < startPeriod) return { ...state, log }
  const failingStreak = state.failingStreak + 1
  return { ...state, log, failingStreak, status: failingStreak >= retries ? 'unhealthy' : state.status }
}

/** Milliseconds from now until it is asked again. `now`: nanoseconds since 1970. */
export function pauseBefore(
  { status, startedAt }: HealthState,
  { interval, startInterval, startPeriod }: HealthRequest,
  now: bigint,
): number {
  return status === 'starting' && millisSince(startedAt, now) < startPeriod ? startInterval : interval
}

const millisSince = (moment: string, now: bigint): number => Number(now - nanosOf(moment)) / 1e6

/** Docker's Health. */
export const healthDocument = ({ status, failingStreak, log }: HealthState) => ({ Status: status, FailingStreak: failingStreak, Log: log })

export function readHealth({ health }: Pick<Layout, 'health'>): HealthState | undefined {
  try {
    return JSON.parse(textIfReadable(health) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all. Not synced: after a power failure nobody is well. */
export function writeHealth({ health }: Pick<Layout, 'health'>, state: HealthState): void {
  replaceFile(health, JSON.stringify(state), { temporary: `${health}.new`, flag: 'w', sync: false })
}
