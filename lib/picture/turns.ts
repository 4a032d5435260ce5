/**
 * Where there is much to look at, not all of it is looked at for each picture: things take turns, so that a picture costs no more, and none is older
 * than a few pictures. What is new is looked at at once.
 */

/** Few enough to look at all of them each time. */
const AT_ONCE = 64

export class Turns {
  readonly #serials = new Map<string, number>()
  #next = 0
  #turn = 0
  #period = 1

  /** Before a picture: all that there is. */
  begin(keys: ReadonlySet<string>): void {
    this.#turn++
    this.#period = Math.max(1, Math.ceil(keys.size / AT_ONCE))
    for (const key of this.#serials.keys()) if (!keys.has(key)) this.#serials.delete(key)
  }

  /** Is it this one's turn? */
  due(key: string): boolean {
    const serial = this.#serials.get(key)
    if (serial !== undefined) return (serial + this.#turn) % this.#period === 0
    this.#serials.set(key, this.#next++)
    return true
  }
}
