/** What the Tab key offers: calls, flags, words, paths, kept numbers. */
import { NAMES } from './forms/index.js'
import { nextParams } from './parse.js'
import { type Token, tokenize } from './tokens.js'

export interface Surroundings {
  /** Words with which a line may begin besides the calls. */
  readonly commands: readonly string[]
  readonly kept: readonly string[]
  /** Names in a directory as the actor sees it, directories with a slash at the end. */
  list(directory: string): readonly string[]
}

/** As readline wants it: what fits, and the end of the line that it would take the place of. */
export function complete(line: string, surroundings: Surroundings): [string[], string] {
  const typed = /\S*$/.exec(line)?.[0] ?? ''
  const before = words(line.slice(0, line.length - typed.length))
  if (!before) return [[], typed]
  if (before[0]?.raw === '?') return fitting([...NAMES, ...surroundings.commands], typed)
  const actor = before[0]?.raw === 'host' || before[0]?.raw === 'container' ? before.shift() : undefined
  if (before[1]?.raw === '=') before.splice(0, 2)
  const name = before.shift()?.raw
  if (name === undefined) return fitting([...NAMES, ...(actor ? [] : ['host', 'container', ...surroundings.commands])], typed)
  if (name === 'save') return [[], typed]
  return argument(name, before, typed, surroundings)
}

/** Undefined in the middle of quotes. */
function words(text: string): Token[] | undefined {
  try {
    return tokenize(text.replace(/^\s*-(?=\s|[a-z])/, ''))
  } catch {
    return undefined
  }
}

function fitting(candidates: Iterable<string>, typed: string, after = ' '): [string[], string] {
  const found = [...new Set(candidates)].filter((candidate) => candidate.startsWith(typed)).sort()
  return [found.map((candidate) => `${candidate}${after}`), typed]
}

function argument(name: string, before: readonly Token[], typed: string, { kept, list }: Surroundings): [string[], string] {
  const offers: string[] = []
  for (const { name: title, kind, literal, form } of nextParams(name, before)) {
    if (literal !== undefined) offers.push(...starting([literal], typed, ' '))
    else if (form === 'switch') offers.push(...starting([title], typed, ' '))
    else {
      const prefix = form === 'named' ? `${title}=` : ''
      if (!typed.startsWith(prefix)) {
        offers.push(...starting([prefix], typed, ''))
        continue
      }
      const rest = typed.slice(prefix.length)
      const { completion } = kind
      if (completion?.kind === 'words') offers.push(...wordOffers(completion.words, completion.many, rest).map((word) => prefix + word))
      else if (completion?.kind === 'kept') offers.push(...starting(angled(kept), rest, ' ').map((word) => prefix + word))
      else if (completion?.kind === 'path') offers.push(...pathOffers(rest, list))
    }
  }
  return [[...new Set(offers)].sort(), typed]
}

const starting = (candidates: readonly string[], typed: string, after: string): string[] =>
  candidates.filter((candidate) => candidate.startsWith(typed)).map((candidate) => candidate + after)

const angled = (names: readonly string[]): string[] => names.map((name) => `<${name}>`)

function wordOffers(list: readonly string[], many: boolean, typed: string): string[] {
  if (!many) return starting(list, typed, ' ')
  const head = /^.*[,|]/.exec(typed)?.[0] ?? ''
  const chosen = head.split(/[,|]/)
  return starting(
    list.filter((word) => !chosen.includes(word)),
    typed.slice(head.length),
    '',
  ).map((word) => head + word)
}

function pathOffers(typed: string, list: Surroundings['list']): string[] {
  const at = typed.lastIndexOf('/') + 1
  const directory = typed.slice(0, at)
  return starting(list(directory === '' ? '.' : directory), typed.slice(at), '').map((entry) => directory + entry)
}
