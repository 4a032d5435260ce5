/** Paths of an archive's entries. Here and in the tree a path is a string whose characters are bytes (latin1), without a slash in front. */

const ODD = /(?:^|\/)\.{0,2}(?:\/|$)/

export interface CleanPath {
  /** No empty parts, no `.` and no `..`; empty for the root itself. */
  readonly path: string
  /** It led out of the root by `..`: a relative one does, an absolute one stays at the root, as in Go's filepath.Clean. */
  readonly outside: boolean
}

const ROOT: CleanPath = { path: '', outside: false }

/** By its letters alone, as Docker does it: `link/../file` is `file`, wherever the link leads. */
export function cleanPath(bytes: Buffer): CleanPath {
  let path = bytes.toString('latin1')
  if (path.startsWith('./')) path = path.slice(2)
  if (path.endsWith('/')) path = path.slice(0, -1)
  if (path === '' || path === '.') return ROOT
  if (!ODD.test(path)) return { path, outside: false }
  const isAbsolute = path.startsWith('/')
  const parts: string[] = []
  let outside = false
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined && !isAbsolute) outside = true
  }
  return { path: parts.join('/'), outside }
}

/** The longest name, and the longest path with its NUL byte, that the kernel takes: limits.h. */
const NAME_MAX = 255
const PATH_MAX = 4096

/** Is it more than the kernel takes? What follows the path itself in a sentence. */
export function tooLong(path: string): string | undefined {
  if (path.length >= PATH_MAX) return `has a path of ${path.length} bytes, and ${PATH_MAX - 1} are the most`
  if (path.length > NAME_MAX && path.split('/').some((part) => part.length > NAME_MAX))
    return `has a name of more than ${NAME_MAX} bytes in its path`
  return undefined
}

/** Directory and name. */
export function splitPath(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? { parent: '', name: path } : { parent: path.slice(0, slash), name: path.slice(slash + 1) }
}
