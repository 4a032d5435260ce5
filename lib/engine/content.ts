/** What an image has at a path, found without mounting it: the topmost layer that has a name decides, links lead within the image. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { join, posix } from 'node:path'

/** As many as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40

/** The directory that `path` leads to, without links in it; undefined when it is none, or is not there. `layers`: directories, the top one first. */
export function contentAt(path: string, layers: readonly string[]): string | undefined {
  let rest = posix.normalize(path).split('/').filter(Boolean)
  let at = '/'
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...more] = rest
    if (name === '..') {
      at = posix.dirname(at)
      rest = more
      continue
    }
    const next = posix.join(at, name)
    const found = topmost(next, layers)
    if (!found) return undefined
    if (found.stats.isSymbolicLink()) {
      if (++links > MOST_LINKS) return undefined
      const target = readlinkSync(found.file)
      if (target.startsWith('/')) at = '/'
      rest = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...more]
      continue
    }
    if (!found.stats.isDirectory()) return undefined
    at = next
    rest = more
  }
  return at === '/' ? undefined : at
}

/** `path` has no link in its directories: each was looked at before. */
function topmost(path: string, layers: readonly string[]): { readonly file: string; readonly stats: Stats } | undefined {
  for (const layer of layers) {
    if (hidden(layer, path)) return undefined
    const file = join(layer, path)
    const stats = look(file)
    if (!stats) continue
    // A whiteout: what lies below is not there.
    if (stats.isCharacterDevice() && stats.rdev === 0) return undefined
    return { file, stats }
  }
  return undefined
}

/** Does something in this layer that is no directory stand where `path` would go through? */
function hidden(layer: string, path: string): boolean {
  const parents = path.split('/').slice(1, -1)
  return parents.some((_, at) => look(join(layer, ...parents.slice(0, at + 1)))?.isDirectory() === false)
}

function look(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false })
  } catch {
    // A file where a directory would be, or nothing for this user to see.
    return undefined
  }
}
