/** How much room things take. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Errors of what this user may not look into, or of what somebody takes away meanwhile. */
const PASSED_OVER = ['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR']

/** Bytes in files below a directory, those of hard links once; links are not followed. What this user may not look into is not counted. */
export async function bytesBelow(directory: string, seen: Set<string> = new Set()): Promise<number> {
  let bytes = 0
  try {
    // The directory itself may be a link: then what it leads to is not below it.
    if (!(await lstat(directory)).isDirectory()) return 0
    for await (const { name } of await opendir(directory)) {
      const path = join(directory, name)
      const found = await lstat(path).catch(passOver)
      if (found?.isDirectory()) bytes += await bytesBelow(path, seen)
      else if (found?.isFile()) {
        const key = `${found.dev}:${found.ino}`
        if (found.nlink === 1 || !seen.has(key)) bytes += found.size
        if (found.nlink > 1) seen.add(key)
      }
    }
  } catch (error) {
    passOver(error)
  }
  return bytes
}

function passOver(error: unknown): undefined {
  if (PASSED_OVER.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
  throw error
}
