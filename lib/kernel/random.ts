/** Random bytes from the kernel itself, random(4): for ids, at a tenth of what loading node:crypto for them costs a short command. */
import { closeSync, openSync, readSync } from 'node:fs'

/** What a read takes at once: an id and a name take some of it each. Up to 256 bytes are never cut short, not by a signal either. */
const AT_ONCE = 256

let left: Buffer = Buffer.alloc(0)

/** So many bytes that nobody can guess, and that nobody else is given. */
export function randomBytes(size: number): Buffer {
  if (size > AT_ONCE) return read(size)
  if (left.length < size) left = read(AT_ONCE)
  const bytes = Buffer.from(left.subarray(0, size))
  left.fill(0, 0, size)
  left = left.subarray(size)
  return bytes
}

function read(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  const file = openSync('/dev/urandom', 'r')
  try {
    for (let at = 0; at < size; ) at += readSync(file, bytes, at, size - at, null)
  } finally {
    closeSync(file)
  }
  return bytes
}

/** How much of an id people are shown, and a container is named in its own network by. */
const SHORT = 12

/**
 * A fresh one, as Docker gives them to containers, networks, volumes and execs: 64 hexadecimal digits, of which the first 12 are never decimal ones alone,
 * since they become a hostname, and many a program (a YAML reader among them) takes such a name for a number.
 */
export function newId(draw: (size: number) => Buffer = randomBytes): string {
  for (;;) {
    const id = draw(32).toString('hex')
    if (/[a-f]/.test(id.slice(0, SHORT))) return id
  }
}

/** A whole number from 0 to below `limit`, of at most 2^32; each is as likely as the others to within `limit` in 2^48. */
export const randomBelow = (limit: number): number => randomBytes(6).readUIntLE(0, 6) % limit
