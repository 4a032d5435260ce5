/** Files of the store: there whole or not at all, read by their owner alone. */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { replaceFile } from '../../kernel/new-file.js'
import { ownerName } from '../owner.js'

/** Names that begin so are half of something; an owner's name follows (owner.ts). */
export const UNFINISHED = '.new-'

/** Synced unless it matters to living programs only. Two may write the same at once: the later one's stays. */
export function writeWhole(path: string, content: string | Uint8Array, { sync = true } = {}): void {
  replaceFile(path, content, { temporary: join(path, '..', `${UNFINISHED}${ownerName()}`), sync })
}

/** What a JSON file holds; undefined when there is none that can be read. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}

/** Names in a directory, sorted; none when it is not there. */
export function listed(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Size in bytes of a file; undefined when there is none. */
export function sizeOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() ? found.size : undefined
}

/** Directories that only their owner looks into. */
export function ensureDirectories(directories: readonly string[], mode = 0o700): void {
  for (const directory of directories) {
    try {
      mkdirSync(directory, { recursive: true, mode })
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new DrydockError(
        `${directory}, where images are kept, cannot be made (${code}): set DRYDOCK_DATA_ROOT to a directory of your own`,
        { cause },
      )
    }
  }
}
