/** .dockerignore: what of a directory is not sent along. Dockerfile reference, ".dockerignore file"; moby's patternmatcher for what the reference leaves open. */
import { posix } from 'node:path'
import { Glob } from './glob.js'
import { wrong } from './lines.js'
import { trim } from './spaces.js'

interface Pattern {
  readonly text: string
  readonly glob: Glob
  /** It takes back what those before it left out. */
  readonly exception: boolean
}

/** The patterns of a file, in order, each in its shortest form. */
export function readIgnore(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map(trim)
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('!') ? `!${shortest(trim(line.slice(1)))}` : shortest(line)))
}

const shortest = (pattern: string): string => (pattern === '' ? '' : clean(pattern).replace(/^\/(?=.)/, ''))

const clean = (path: string): string => posix.normalize(path).replace(/(.)\/$/, '$1')

export class Ignore {
  readonly #patterns: readonly Pattern[]

  /** Throws for a pattern that is none. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => {
      const exception = pattern.startsWith('!')
      const text = clean(pattern.slice(exception ? 1 : 0))
      if (exception && pattern.length === 1) throw wrong('illegal exclusion pattern: "!"')
      return { text, glob: new Glob(text, { deep: true }), exception }
    })
  }

  /** A path from the directory on, without a slash in front. The last pattern that matches it, or a directory that it is in, counts. */
  ignores(path: string): boolean {
    const parts = path.split('/')
    const above = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
    const found = this.#patterns.findLast(({ glob }) => glob.matches(path) || above.some((directory) => glob.matches(directory)))
    return found !== undefined && !found.exception
  }

  /** Of a directory that is ignored: is something in it that is not? Docker looks only into those whose path begins an exception, letter by letter. */
  goesInto(directory: string): boolean {
    return this.#patterns.some(({ text, exception }) => exception && `${text}/`.startsWith(`${directory}/`))
  }
}
