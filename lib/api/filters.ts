/** Filters as clients send them: `{"label":{"a=b":true}}` (docker's command line) and `{"label":["a=b"]}` (most libraries). */
import type { Filters } from '../engine/filters.js'
import { DrydockError } from '../kernel/errors.js'

export function filtersFromJson(text: string | undefined): Filters {
  if (text === undefined) return new Map()
  const filters = new Map<string, readonly string[]>()
  for (const [key, values] of Object.entries(parsed(text))) {
    const list = Array.isArray(values) ? values : isObject(values) ? Object.keys(values) : undefined
    if (!list?.every((value) => typeof value === 'string')) throw invalid(text)
    filters.set(key, list)
  }
  return filters
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid(text)
  }
  if (value === null) return {}
  if (!isObject(value)) throw invalid(text)
  return value
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const invalid = (text: string) => new DrydockError(`invalid filter: ${text} is no JSON object of names and values`, { status: 400 })
