/**
 * What was made of something, made again only when that has changed: most of a kernel's state is the same a second later. The same object is given
 * back, so that whoever compares two pictures sees at once that nothing has changed.
 */

export class Memo<T> {
  #known = new Map<string, { from: string; made: T }>()
  #used = new Map<string, { from: string; made: T }>()

  /** The thing under a key, made of `from`. */
  of(key: string, from: string, make: () => T): T {
    const known = this.#known.get(key)
    const entry = known?.from === from ? known : { from, made: make() }
    this.#used.set(key, entry)
    return entry.made
  }

  /** After a picture: what was not asked for in it is forgotten. */
  turn(): void {
    this.#known = this.#used
    this.#used = new Map()
  }
}
