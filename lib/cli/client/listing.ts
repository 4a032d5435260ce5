/** What the verbs that list have in common. */
import type { FilterWords } from '../flags.js'

/** The engine takes them as one word of JSON; dockerode's own types know the words of a few alone. */
export function asQuery(filter: FilterWords): { readonly filters?: string } {
  const entries = Object.entries(filter)
  if (entries.length === 0) return {}
  // As docker's client writes them, which the oldest engines understand too.
  const words = entries.map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))] as const)
  return { filters: JSON.stringify(Object.fromEntries(words)) }
}

/** With --quiet only ids, unless a format of one's own is given: docker warns then, and has ids too. */
export function quietly(format: string | undefined, quiet: boolean | undefined, ids: string): string | undefined {
  if (!quiet) return format
  if (format !== undefined && format !== 'table')
    process.stderr.write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n')
  return ids
}
