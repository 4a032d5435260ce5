/** What doctor says: one thing of the host at a time, with a word, and what helps. */

/** ok: as it should be. restricted: there, but not all of it. missing: not there. */
export type Word = 'ok' | 'restricted' | 'missing'

export interface Finding {
  readonly name: string
  readonly word: Word
  readonly says: string
  /** What helps, in one line. */
  readonly remedy?: string
}

export interface Chapter {
  readonly title: string
  readonly findings: readonly Finding[]
}

export const ok = (name: string, says: string): Finding => ({ name, word: 'ok', says })
export const restricted = (name: string, says: string, remedy: string): Finding => ({ name, word: 'restricted', says, remedy })
export const missing = (name: string, says: string, remedy: string): Finding => ({ name, word: 'missing', says, remedy })
