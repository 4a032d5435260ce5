/** Paths and modes of docker cp, in the words of Go's path/filepath and io/fs, which its clients share. A character of a path is one of its bytes (latin1). */
import type { Kind, Stat } from '../../../image/pack/records.js'
import { DrydockError } from '../../../kernel/errors.js'

/** An absolute path without `.`, `..` and empty parts in it; a slash or `/.` at its end is kept, since it says that a directory is meant. */
export function absolute(path: string): string {
  if (path === '') throw new DrydockError('bad parameter: path cannot be empty', { status: 400 })
  if (path.includes('\0')) throw new DrydockError('a path holds a NUL byte', { status: 400 })
  const bytes = Buffer.from(path, 'utf8').toString('latin1')
  const parts: string[] = []
  for (const part of bytes.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  const clean = `/${parts.join('/')}`
  const last = bytes.slice(bytes.lastIndexOf('/') + 1)
  if (last === '.') return clean === '/' ? '/.' : `${clean}/.`
  return last === '' && clean !== '/' ? `${clean}/` : clean
}

/** filepath.Base: the last part, whatever slashes follow it; `/` of the root. */
export function baseOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

/** The directory that a name is in. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

export const shown = (path: string): string => Buffer.from(path, 'latin1').toString('utf8')

/** fs.FileMode: bits for the kind of a file, and for three of its permission bits, where Go has them. */
const KINDS: Readonly<Record<Kind, number>> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  char: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
}
const SETUID = 2 ** 23
const SETGID = 2 ** 22
const STICKY = 2 ** 20

export function goMode({ kind, mode }: Pick<Stat, 'kind' | 'mode'>): number {
  return KINDS[kind] + (mode & 0o777) + (mode & 0o4000 ? SETUID : 0) + (mode & 0o2000 ? SETGID : 0) + (mode & 0o1000 ? STICKY : 0)
}
