/** Where a copy goes, by the rules of cp(1) as Docker has them (pkg/archive/copy.go, PrepareArchiveCopy). */
import { posix } from 'node:path'
import { DrydockError } from '../../../kernel/errors.js'

export interface Source {
  readonly path: string
  readonly directory: boolean
}

export interface Target {
  readonly path: string
  readonly exists: boolean
  readonly directory: boolean
}

export interface Place {
  /** What the first name in the archive becomes. */
  readonly root: string
  /** Only what is in the source directory is copied: `root` is the directory for it. */
  readonly contents: boolean
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** `dir/.` means what is in it. */
const meansContents = (path: string): boolean => /(^|\/)\.$/.test(path)
const meansDirectory = (path: string): boolean => path.endsWith('/') || meansContents(path)

export function destination(source: Source, target: Target): Place {
  if (!source.directory && meansDirectory(source.path)) refuse('not a directory')
  const path = posix.normalize(target.path).replace(/(.)\/$/, '$1')
  if (target.exists && target.directory) {
    const name = posix.basename(posix.normalize(source.path))
    return meansContents(source.path) || name === '/' || name === ''
      ? { root: path, contents: true }
      : { root: posix.join(path, name), contents: false }
  }
  if (target.exists) {
    if (source.directory) refuse('cannot copy directory')
    if (meansDirectory(target.path)) refuse('not a directory')
    return { root: path, contents: false }
  }
  if (!source.directory && meansDirectory(target.path)) refuse('no such directory')
  return { root: path, contents: false }
}
