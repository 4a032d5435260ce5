/** Whether the layers below an upper directory have a name. They do not change while they are in use, so each is asked only once. */
import { isWhiteout, statOf } from './upper.js'

export type Below = 'directory' | 'other' | 'whiteout' | 'nothing'

export class Layers {
  readonly #known = new Map<string, Below>()
  readonly #opaque = new Map<string, boolean>()

  /** Directories whose attribute decides whether what is below them counts. */
  undecided(lower: readonly string[], path: string): string[] {
    return lower
      .map((layer) => `${layer}${path}`)
      .filter((directory) => !this.#opaque.has(directory) && this.#at(directory) === 'directory')
  }

  decide(directory: string, opaque: boolean): void {
    this.#opaque.set(directory, opaque)
  }

  /**
   * Would this name be seen without the upper directory? The first layer from the top that has it decides, and a layer that hides it, or the
   * directory that it is in, ends the search.
   */
  has(lower: readonly string[], path: string): boolean {
    const parent = path.slice(0, path.lastIndexOf('/'))
    for (const layer of lower) {
      const found = this.#at(`${layer}${path}`)
      if (found !== 'nothing') return found !== 'whiteout'
      const above = this.#at(`${layer}${parent}`)
      if (above === 'other' || above === 'whiteout' || this.#opaque.get(`${layer}${parent}`)) return false
    }
    return false
  }

  /** What no overlay stands on any more is forgotten: the name may be another directory's later. */
  keep(lower: ReadonlySet<string>): void {
    for (const known of [this.#known, this.#opaque]) {
      for (const path of known.keys()) if (![...lower].some((layer) => path === layer || path.startsWith(`${layer}/`))) known.delete(path)
    }
  }

  #at(path: string): Below {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const stats = statOf(path)
    const found = stats === undefined ? 'nothing' : isWhiteout(stats) ? 'whiteout' : stats.isDirectory() ? 'directory' : 'other'
    this.#known.set(path, found)
    return found
  }
}
