/** The flags of one instruction: `--name=value`, or `--name` where it is true or false. */
import { wrong } from './lines.js'

/** By name, with '' for those that were not given. Throws in docker's words. */
export function readFlags<N extends string>(given: readonly string[], names: readonly N[]): Readonly<Record<N, string>> {
  const found = new Map<string, string>()
  for (const flag of given) {
    const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(flag) ?? []
    if (!(names as readonly string[]).includes(name)) throw wrong(`Unknown flag: ${name}`)
    if (found.has(name)) throw wrong(`Duplicate flag specified: ${name}`)
    if (value === undefined) throw wrong(`Missing a value on flag: ${name}`)
    found.set(name, value)
  }
  return Object.fromEntries(names.map((name) => [name, found.get(name) ?? ''])) as Record<N, string>
}
