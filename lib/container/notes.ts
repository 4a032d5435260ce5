/** What an engine remembers of a container's life, beside what the kernel and the exit file tell: life.json. */
import { replaceFile } from '../kernel/new-file.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Layout } from './layout.js'

export interface LifeNotes {
  /** When it was started last; RFC 3339. */
  readonly startedAt?: string
  /** When the run before this one ended. */
  readonly finishedAt?: string
  /** Why it could not be started the last time it was tried. */
  readonly failure?: { readonly exitCode: number; readonly error: string; readonly at: string }
  /** How often its restart policy has started it again since somebody did. */
  readonly restartCount: number
  /** Somebody has stopped it, so that its restart policy leaves it alone. */
  readonly stopped: boolean
}

export const NO_NOTES: LifeNotes = { restartCount: 0, stopped: false }

export function readNotes({ life }: Pick<Layout, 'life'>): LifeNotes {
  try {
    return { ...NO_NOTES, ...(JSON.parse(textIfReadable(life) ?? '{}') as Partial<LifeNotes>) }
  } catch {
    return NO_NOTES
  }
}

/** Whole or not at all. Not synced: after a power failure nothing runs, and that much can be seen without it. */
export function writeNotes({ life }: Pick<Layout, 'life'>, notes: LifeNotes): void {
  replaceFile(life, JSON.stringify(notes), { temporary: `${life}.new`, flag: 'w', sync: false })
}
