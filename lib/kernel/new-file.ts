/** Files that are there only when all of them is: of one that could not be written to its end (a full disk) no beginning is left, which would be taken for the whole. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** One that must not be there yet. Throws what the system says. `sync`: it is there also when the power fails right afterwards. */
export function writeNew(path: string, content: string, { sync = false }: { readonly sync?: boolean } = {}): void {
  try {
    writeFileSync(path, content, { flag: 'wx', flush: sync })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'open') rmSync(path, { force: true })
    throw error
  }
}

export interface Replacing {
  /** Where it is made: beside its place, in the same directory. */
  readonly temporary: string
  /** `w` writes over what was left there. */
  readonly flag?: 'w' | 'wx'
  /** False for what matters to living programs only, and not when the power has failed. */
  readonly sync?: boolean
  /** For its owner alone, where nothing is said. */
  readonly mode?: number
  /** Before it takes its place: whose it is to be, say. */
  readonly ready?: () => void
}

/** In the place of what is at `path`, whole or not at all. Two may do so at once, by other names: the later one's stays. rename(2). */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  { temporary, flag = 'wx', mode = 0o600, sync = true, ready }: Replacing,
): void {
  const file = openSync(temporary, flag, mode)
  try {
    try {
      // All of it: write(2) may write less than it was given, as much as a disk has room for.
      writeFileSync(file, content)
      if (sync) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    ready?.()
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
