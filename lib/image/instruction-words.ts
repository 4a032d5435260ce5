/** The words of a Dockerfile's instruction: quotes, backslashes, variables. Dockerfile reference, "Environment replacement", "ENV". */
import { DrydockError } from '../kernel/errors.js'

/** A JSON list of words; undefined when it is none, and so for a shell. */
export function listOf(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  try {
    const found: unknown = JSON.parse(rest)
    return Array.isArray(found) && found.every((one) => typeof one === 'string') ? found : undefined
  } catch {
    return undefined
  }
}

/** Separated by blanks that are not quoted. Quotes and backslashes are still in them. */
export function wordsOf(rest: string): string[] {
  return rest.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'\\])+/gs) ?? []
}

/** `NAME=VALUE …`, or in the old form `NAME the rest`, with variables replaced and quotes taken off. */
export function pairsOf(instruction: string, rest: string, env: readonly string[]): [name: string, value: string][] {
  const words = wordsOf(rest)
  if (!words[0]?.includes('=')) {
    const [, name, value] = /^(\S+)\s+(.+)$/s.exec(rest) ?? []
    if (name === undefined || value === undefined) throw new DrydockError(`${instruction} must have two arguments`, { status: 400 })
    return [[unquote(name, env), unquote(value, env)]]
  }
  return words.map((word) => {
    const at = word.indexOf('=')
    if (at < 0)
      throw new DrydockError(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`, { status: 400 })
    const name = unquote(word.slice(0, at), env)
    if (name === '') throw new DrydockError(`${instruction} names can not be blank`, { status: 400 })
    return [name, unquote(word.slice(at + 1), env)]
  })
}

/** With variables replaced and quotes taken off. */
export const expand = (rest: string, env: readonly string[]): string => unquote(rest, env)

function unquote(word: string, env: readonly string[]): string {
  // One after the other: a single-quoted part, a backslash and what it guards, a variable, a double quote, anything else.
  return word.replace(
    /'([^']*)'|\\(.)|\$\{([A-Za-z_]\w*)(?:(:?[-+])([^}]*))?\}|\$([A-Za-z_]\w*)|(")/gs,
    (_, quoted?: string, guarded?: string, braced?: string, how?: string, other?: string, plain?: string) => {
      if (quoted !== undefined) return quoted
      if (guarded !== undefined) return guarded
      const name = braced ?? plain
      if (name === undefined) return ''
      const found = env.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
      const given = how?.startsWith(':') ? found !== undefined && found !== '' : found !== undefined
      if (how?.endsWith('-')) return given ? (found as string) : (other ?? '')
      if (how?.endsWith('+')) return given ? (other ?? '') : ''
      return found ?? ''
    },
  )
}
