/** A file that must not be there yet, and is there only when all of it is. */
import { rmSync, writeFileSync } from 'node:fs'

/** Throws what the system says. Of a file that could not be written to its end (a full disk) no beginning is left, which would be taken for the whole. */
export function writeNew(path: string, content: string): void {
  try {
    writeFileSync(path, content, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === 'write') rmSync(path, { force: true })
    throw error
  }
}
