/** Where COPY and ADD take from and put to, as far as the words alone say it. A character of a path is one of its bytes (latin1) from here on. */
import { posix } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'

export const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** A source's path from the root of its tree, in its shortest form; '' is the root. Throws for one that leads out of it by its words. */
export function sourcePath(word: string): string {
  const path = posix.normalize(bytes(word).replace(/^\//, '').replace(/^\.\//, '') || '.').replace(/(.)\/$/, '$1')
  if (path.includes('\0')) throw new DrydockError('a path holds a NUL byte', { status: 400 })
  if (path === '..' || path.startsWith('../')) {
    throw new DrydockError(`forbidden path outside the build context: ${word} ()`, { status: 400 })
  }
  return path === '.' ? '' : path.replace(/^\//, '')
}

/** Is there a `*`, `?` or `[` that no backslash guards? */
export const hasWildcards = (word: string): boolean => /^(?:[^\\*?[]|\\.)*[*?[]/s.test(word)

export interface Destination {
  /** Absolute, in its shortest form. */
  readonly path: string
  /** It ends with a slash: a directory is meant, whether there is one or not. */
  readonly directory: boolean
}

export function destinationOf(workdir: string, word: string): Destination {
  const path = bytes(word)
  if (path.includes('\0')) throw new DrydockError('a path holds a NUL byte', { status: 400 })
  return { path: posix.resolve('/', bytes(workdir || '/'), path), directory: path.endsWith('/') }
}

/** The last part. */
export const baseName = (path: string): string => posix.basename(path)

/** A directory and all above it but the root, the top one first. */
export function upTo(directory: string): string[] {
  const parts = directory.split('/').filter((part) => part !== '')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

/** USER[:GROUP] of --chown: a group that is not said has the user's name. */
export function ownerWords(chown: string): readonly [user: string, group: string] {
  const [user = '', group = user, ...others] = chown.split(':')
  if (others.length > 0) throw unfit(`invalid chown string format: ${chown}`)
  return [user, group]
}

export const unfit = (why: string): DrydockError =>
  new DrydockError(`unable to convert uid/gid chown string to host mapping: ${why}`, { status: 400 })

/** A number, or what a line of the file says of the name. */
export function idIn(text: string | undefined, name: string, kind: 'user' | 'group'): number {
  if (/^[+-]?\d+$/.test(name)) return Number(name)
  const fields = (text ?? '').split('\n').map((line) => line.split(':'))
  const found = fields.find(([first, , id]) => first === name && /^\d+$/.test(id ?? ''))
  if (found) return Number(found[2])
  throw unfit(`can't find ${kind === 'user' ? 'uid' : 'gid'} for ${kind} ${name}: no such ${kind}: ${name}`)
}
