/**
 * What was made so far. The directory began empty and nobody else writes to it, so this is all that there is: where a path leads is known
 * here, without asking the kernel, and no path that is sent to it has a link or `..` in it. Small, because a layer may have a million files.
 */
import type { Timestamp } from '../tar/index.js'

/** What a symbolic link says, a number that stands for owner and mode of any other file, or a directory. */
export type Node = Directory | string | number

/** Owner and mode are not known: two names of one file were given different ones. */
export const UNKNOWN = -1
/** What hides a file of the layers below. */
export const WHITEOUT = -2

export class Directory {
  readonly entries = new Map<string, Node>()
  /** As an entry of the archive says; absent for one that was only implied. They are set when nothing more is made in it. */
  times?: { readonly atime: Timestamp; readonly mtime: Timestamp }
  xattrs?: ReadonlyMap<string, Buffer>
  owner: number
  isOpaque = false
  /** Removed again. */
  isGone = false

  constructor(
    readonly path: string,
    readonly parent: Directory | undefined,
    owner: number,
  ) {
    this.owner = owner
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}/${name}`
  }
}

/** Where a path cannot lead to a directory, and why. */
export interface Obstacle {
  readonly at: string
  readonly why: 'missing' | 'no directory' | 'dangling' | 'loop'
}

/** As many links as Linux follows in one path: path_resolution(7). */
const MOST_LINKS = 40

export class Tree {
  readonly root: Directory
  readonly #numbers = new Map<string, number>()
  readonly #owners: { uid: number; gid: number; mode: number }[] = []
  #last: { path: string; directory: Directory } | undefined

  constructor() {
    this.root = new Directory('', undefined, this.numberOf(0, 0, 0o755))
  }

  /** The same for the same. */
  numberOf(uid: number, gid: number, mode: number): number {
    const key = `${uid} ${gid} ${mode}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#owners.push({ uid, gid, mode }) - 1
      this.#numbers.set(key, number)
    }
    return number
  }

  ownerOf(number: number): { uid: number; gid: number; mode: number } | undefined {
    return this.#owners[number]
  }

  set(directory: Directory, name: string, node: Node): void {
    directory.entries.set(name, node)
  }

  /** Whatever it was; what paths led to before may be something else now. */
  remove(directory: Directory, name: string): void {
    const node = directory.entries.get(name)
    directory.entries.delete(name)
    if (node instanceof Directory) markGone(node)
    if (typeof node !== 'number') this.#last = undefined
  }

  /**
   * The directory at a path, links followed as the kernel would with `/` here. What is missing is made by `make`, but not what a link's target
   * lacks: Docker makes none there either. Without `make` nothing is made.
   */
  directoryAt(path: string, make?: (parent: Directory, name: string) => Directory): Directory | Obstacle {
    if (path === '') return this.root
    if (this.#last?.path === path) return this.#last.directory
    const found = this.#walk(path, make)
    if (found instanceof Directory) this.#last = { path, directory: found }
    return found
  }

  #walk(path: string, make?: (parent: Directory, name: string) => Directory): Directory | Obstacle {
    const todo = path.split('/').reverse()
    let ofPath = todo.length // so many of them, at the bottom, are the path's own; what lies above is a link's
    let links = 0
    let at = this.root
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      const isOwn = todo.length < ofPath
      if (isOwn) ofPath = todo.length
      if (name === '' || name === '.') continue
      if (name === '..') {
        at = at.parent ?? at
        continue
      }
      const node = at.entries.get(name)
      if (node instanceof Directory) at = node
      else if (typeof node === 'string') {
        links++
        if (links > MOST_LINKS) return { at: at.pathOf(name), why: 'loop' }
        if (node.startsWith('/')) at = this.root
        todo.push(...node.split('/').reverse())
      } else if (node === undefined || node === WHITEOUT) {
        if (!isOwn) return { at: path, why: 'dangling' }
        if (!make) return { at: at.pathOf(name), why: 'missing' }
        at = make(at, name)
      } else return { at: at.pathOf(name), why: 'no directory' }
    }
    return at
  }
}

function markGone(directory: Directory): void {
  directory.isGone = true
  for (const node of directory.entries.values()) if (node instanceof Directory) markGone(node)
}
