/**
 * Is this an event? Traces are files of others: what has not the shape is left out before anybody builds on it. Pure. Of the things in a picture only that
 * they are things: what is in them is shown as text, whatever it is.
 */
import { TABLES } from '../picture/delta.js'
import type { Happening, TraceEvent } from './types.js'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const flag: Check = (value) => typeof value === 'boolean'
const isThing = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const one =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value)
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isThing(value) && Object.entries(checks).every(([name, check]) => check(Object.hasOwn(value, name) ? value[name] : undefined))
const things: Check = (value) => isThing(value) && Object.values(value).every(isThing)
const tables = (check: Check): Check => members(Object.fromEntries(TABLES.map((name) => [name, check])))

const step = members({
  actor: one('host', 'container'),
  call: text,
  shown: text,
  args: list(members({ name: text, shown: text, words: list(members({ word: text, means: text })) })),
  phase: maybe(text),
  why: maybe(text),
  summary: maybe(text),
  shell: maybe(text),
})
const result = members({
  status: one('ok', 'failed', 'allowed', 'not run'),
  outcome: text,
  errno: maybe(text),
  nanoseconds: number,
  answers: maybe(list(text)),
})

const HAPPENINGS: { readonly [Kind in Happening['kind']]: Check } = {
  session: members({
    version: one(1),
    session: one('lesson', 'run', 'prompt'),
    title: text,
    pid: count,
    uid: count,
    auto: flag,
    lesson: maybe(members({ number: count, name: text, scenes: list(text) })),
  }),
  scene: members({ index: count, heading: text, markdown: text }),
  said: members({ markdown: text }),
  ahead: members({ box: text, title: maybe(text), steps: list(step), focus: list(count) }),
  done: members({ box: text, results: list(result), changes: list(text), because: list(text), focus: list(count) }),
  looked: members({ title: text, rows: list(members({ label: text, value: text, notice: maybe(flag) })) }),
  predicted: members({ question: text, choices: list(text), said: maybe(text), measured: text, because: text }),
  tried: members({ exercise: text, title: text, passed: flag, saw: list(text) }),
  printed: members({ box: text, text }),
  picture: members({ picture: members({ at: number, took: number, host: isThing, tables: tables(things) }) }),
  changed: members({
    delta: members({ at: number, took: number, host: maybe(isThing), set: tables(maybe(things)), gone: tables(maybe(list(text))) }),
  }),
  stopped: members({ because: text }),
  end: members({ status: number }),
}

export function isTraceEvent(value: unknown): value is TraceEvent {
  if (!members({ seq: count, at: number, what: isThing })(value)) return false
  const { what } = value as { what: Record<string, unknown> }
  const kind = Object.hasOwn(what, 'kind') ? what.kind : undefined
  return typeof kind === 'string' && Object.hasOwn(HAPPENINGS, kind) && HAPPENINGS[kind as Happening['kind']](what)
}

/** A line of a trace; undefined for what is none. */
export function parseTraceLine(line: string): TraceEvent | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isTraceEvent(value) ? value : undefined
  } catch {
    return undefined
  }
}
