/** How a container is asked whether it is well: Healthcheck. Engine API 1.47, HealthConfig; github.com/docker/docker, daemon/health.go. */
import type { HealthRequest } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { readMembers } from './members.js'
import { HEALTH } from './tables.js'

/** Times in nanoseconds; 0 is as good as absent. */
export interface HealthBody {
  readonly Test?: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

const TIMES = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const

const NANOS_IN_MILLI = 1e6

/** Milliseconds, where nothing was said. */
const USUAL = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000 }
const USUAL_RETRIES = 3

const SHELL = ['/bin/sh', '-c']

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** What was asked for, with the image's under it, member by member; undefined: neither says anything. */
export function healthBody(asked: unknown, image: unknown): HealthBody | undefined {
  if (asked === undefined && (image === undefined || image === null)) return undefined
  const own = readMembers(asked, HEALTH, 'Healthcheck.') as HealthBody
  check(own)
  const merged: Record<string, unknown> = { ...own }
  for (const [name, value] of Object.entries(readMembers(image, HEALTH, 'Healthcheck.'))) {
    const given = merged[name]
    if (given === undefined || given === 0 || (Array.isArray(given) && given.length === 0)) merged[name] = value
  }
  return merged
}

function check(body: HealthBody): void {
  for (const name of TIMES) {
    const nanos = body[name] ?? 0
    if (nanos !== 0 && nanos < NANOS_IN_MILLI) refuse(`${name} in Healthcheck cannot be less than 1ms`)
  }
  if ((body.Retries ?? 0) < 0) refuse('Retries in Healthcheck cannot be negative')
}

export interface Health {
  /** Absent: it is not asked. */
  readonly health?: HealthRequest
  readonly warnings: readonly string[]
}

/** `shell`: what a command without a program of its own is given to; docker's when it is empty. */
export function healthOf(body: HealthBody | undefined, shell: readonly string[] = []): Health {
  const [kind = 'NONE', ...words] = body?.Test ?? []
  if (kind === 'NONE') return { warnings: [] }
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return { warnings: [`Unknown healthcheck type '${kind}' (expected 'CMD')`] }
  if (words.length === 0) refuse(`Healthcheck.Test names no program behind ${kind}`)
  return { health: { argv: kind === 'CMD' ? words : [...(shell.length > 0 ? shell : SHELL), ...words], ...times(body) }, warnings: [] }
}

function times(body: HealthBody = {}): Omit<HealthRequest, 'argv'> {
  const millis = (nanos: number | undefined, usual: number) => (nanos ? nanos / NANOS_IN_MILLI : usual)
  return {
    interval: millis(body.Interval, USUAL.interval),
    timeout: millis(body.Timeout, USUAL.timeout),
    startPeriod: millis(body.StartPeriod, USUAL.startPeriod),
    startInterval: millis(body.StartInterval, USUAL.startInterval),
    retries: body.Retries || USUAL_RETRIES,
  }
}
