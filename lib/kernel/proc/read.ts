/**
 * Reading /proc. A process may end between two reads at any time: what is gone is `undefined`. What is there but must not be
 * read is an error that names the file, since "nothing there" would be a lie.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { DrydockError } from '../errors.js'

/** A process by its number; `self` is the reader. */
export type Pid = number | 'self'

/** ENOENT: the directory /proc/PID has gone; ESRCH: a file in it was open already when the process went. proc(5). */
const GONE = new Set(['ENOENT', 'ESRCH'])

/** The whole file, or undefined when it (or its process) is not there. Bytes that are no UTF-8 become U+FFFD. `gone`: errors that say so of this file too. */
export function readProcFile(path: string, gone: readonly string[] = []): string | undefined {
  return unlessGone(path, () => readFileSync(path, 'utf8'), gone)
}

/** Where a link such as /proc/PID/exe or /proc/PID/ns/net points. */
export function readProcLink(path: string): string | undefined {
  return unlessGone(path, () => readlinkSync(path))
}

/** Names in a directory, in the kernel's order. */
export function listProcDirectory(path: string): string[] | undefined {
  return unlessGone(path, () => readdirSync(path))
}

/** The lines of a file that has a newline after each. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function unlessGone<T>(path: string, read: () => T, gone: readonly string[] = []): T | undefined {
  try {
    return read()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== undefined && (GONE.has(code) || gone.includes(code))) return undefined
    throw new DrydockError(`${path} cannot be read: ${code ?? String(cause)}`, { cause })
  }
}
