/** The table of docs/COMPATIBILITY.md about flags. */

export interface FlagRow {
  /** `--memory` */
  readonly flag: string
  readonly status: 'works' | 'client' | 'refused'
  readonly verb: 'create' | 'run'
  /** What stands between the verb and the image. */
  readonly words: readonly string[]
  /** `HostConfig.Memory 67108864`; of what is refused, words of the sentence. */
  readonly expected: string
}

export function readFlags(text: string): FlagRow[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `--'))
  return lines.map((line) => {
    const cells = line.split('|').slice(1, -1)
    if (cells.length !== 5 || cells.some((cell) => cell.trim() === '')) throw new Error(`a row of five cells is wanted: ${line}`)
    const [flag = '', status = '', tried = '', expected = ''] = cells.map((cell) => cell.trim().replace(/^`|`$/g, ''))
    if (status !== 'works' && status !== 'client' && status !== 'refused')
      throw new Error(`it works, is the client’s, or is refused: ${line}`)
    // In single quotes a word may have blanks.
    const [verb, ...words] = [...tried.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain) as string)
    if (verb !== 'create' && verb !== 'run') throw new Error(`tried by create or by run: ${line}`)
    return { flag, status, verb, words, expected }
  })
}

/** `A.b.0`; undefined where there is nothing. */
export function valueAt(path: string, document: unknown): unknown {
  return path.split('.').reduce((value, name) => (value as Record<string, unknown> | null | undefined)?.[name], document)
}
