/** What stands in upper directories, and what it does to the layers below: a walk that reads a directory again only when it has changed. */
import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs'
import type { ChangeView } from './types.js'

/** Of one upper directory. */
export const MOST_ENTRIES = 2000

export interface Entry {
  /** `/etc/hosts`. */
  readonly path: string
  readonly type: ChangeView['type']
  readonly size: number
  /** A character device 0/0. */
  readonly whiteout: boolean
  /** Of a directory: when it, or an attribute of it, was last changed. */
  readonly changed?: number
}

export interface Walked {
  readonly entries: readonly Entry[]
  readonly more: boolean
}

interface Listing {
  readonly identity: string
  /** When it was read, in milliseconds since 1970. */
  readonly at: number
  readonly entries: readonly { readonly name: string; readonly type: ChangeView['type']; readonly whiteout: boolean }[]
}

/** A file system's clock ticks some hundred times a second: what is changed in the tick in which it was read bears the time that was seen. */
const TICK = 20

export class UpperWalk {
  #known = new Map<string, Listing>()
  #used = new Map<string, Listing>()

  /** Everything below a directory, parents first. Throws the error of the top alone; what goes meanwhile, or may not be read, is left out. */
  of(top: string): Walked {
    const entries: Entry[] = []
    const left: { path: string; stats: Stats }[] = [{ path: '', stats: lstatSync(top) }]
    for (const { path, stats } of left) {
      const listing = this.#list(`${top}${path}`, stats, path === '')
      for (const { name, type, whiteout } of listing) {
        if (entries.length === MOST_ENTRIES) return { entries, more: true }
        const below = `${path}/${name}`
        // Nothing of these is shown that could change while the directory does not.
        if (whiteout || type === 'other') {
          entries.push({ path: below, type, size: 0, whiteout })
          continue
        }
        const found = statOf(`${top}${below}`)
        if (!found) continue
        const directory = found.isDirectory()
        entries.push({ path: below, type, size: directory ? 0 : found.size, whiteout, ...(directory && { changed: found.ctimeMs }) })
        if (directory) left.push({ path: below, stats: found })
      }
    }
    return { entries, more: false }
  }

  /** After a picture. */
  turn(): void {
    this.#known = this.#used
    this.#used = new Map()
  }

  #list(directory: string, { dev, ino, mtimeMs }: Stats, top: boolean): Listing['entries'] {
    const identity = `${dev}:${ino}:${mtimeMs}`
    const known = this.#known.get(directory)
    const listing =
      known?.identity === identity && known.at - mtimeMs > TICK
        ? known
        : { identity, at: Date.now(), entries: listDirectory(directory, top) }
    this.#used.set(directory, listing)
    return listing.entries
  }
}

function listDirectory(directory: string, top: boolean): Listing['entries'] {
  let names: Dirent[]
  try {
    names = readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (top) throw error
    return []
  }
  return names.map((one) => ({
    name: one.name,
    type: typeOf(one),
    whiteout: one.isCharacterDevice() && isWhiteout(statOf(`${directory}/${one.name}`)),
  }))
}

const typeOf = (entry: Dirent): ChangeView['type'] =>
  entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'other'

export const isWhiteout = (stats: Stats | undefined): boolean => stats?.isCharacterDevice() === true && stats.rdev === 0

/** Undefined: it is not there, or may not be seen. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
