/** Random bytes from the kernel itself, random(4): for ids, at a tenth of what loading node:crypto for them costs a short command. */
import { closeSync, openSync, readSync } from 'node:fs'

/** So many bytes that nobody can guess. */
export function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  const file = openSync('/dev/urandom', 'r')
  try {
    // Up to 256 bytes are never cut short, not by a signal either.
    for (let at = 0; at < size; ) at += readSync(file, bytes, at, size - at, null)
  } finally {
    closeSync(file)
  }
  return bytes
}

/** A whole number from 0 to below `limit`, of at most 2^32; each is as likely as the others to within `limit` in 2^48. */
export const randomBelow = (limit: number): number => randomBytes(6).readUIntLE(0, 6) % limit
