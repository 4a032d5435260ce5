/** `WWW-Authenticate: Bearer realm="https://…",service="…"`. RFC 9110 section 11.6.1; Docker's token specification. */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const PARAMETER = /[\s,]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y
const BETWEEN = /[\s,]*/y
const LONGEST = 8192

/** All challenges of a header (Node joins several headers with commas); what cannot be read ends the list. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: Challenge[] = []
  if (!header || header.length > LONGEST) return challenges
  let at = 0
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(header)
    if (found) at = pattern.lastIndex
    return found
  }
  for (;;) {
    next(BETWEEN)
    const scheme = next(TOKEN)?.[0]
    if (scheme === undefined) return challenges
    const parameters: Record<string, string> = Object.create(null)
    for (let found = next(PARAMETER); found; found = next(PARAMETER)) {
      const [, name = '', quoted, plain] = found
      parameters[name.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? ''
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters })
  }
}
