/**
 * For whoever looks at what may be gone at any moment, or not be his to see, and goes on without it either way. Where it matters which of the two
 * it is, proc/read.ts tells.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'

/** The whole file as text, or undefined. */
export function textIfReadable(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Names in a directory, in no order; none when it cannot be listed. */
export function namesIfReadable(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** What is known of a name itself, and not of what it leads to; undefined when it is not there, or may not be seen. */
export function statIfReadable(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Where a link points, or undefined. */
export function linkIfReadable(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
