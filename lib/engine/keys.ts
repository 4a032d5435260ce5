/** The keys that leave a container without ending it: Docker's --detach-keys. */
import { DrydockError } from '../kernel/errors.js'

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q'

/** 'ctrl-p,ctrl-q', 'ctrl-@', 'a,b': the bytes of the keys. '' leaves nothing to detach by. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array()
  return Uint8Array.from(
    text.split(',').map((key) => {
      const control = /^ctrl-([a-z@[\]\\^_])$/.exec(key)?.[1]
      if (control !== undefined) return control === '@' ? 0 : control.toUpperCase().charCodeAt(0) & 0x1f
      if (key.length === 1 && key.charCodeAt(0) < 0x80) return key.charCodeAt(0)
      throw new DrydockError(`invalid detach keys "${text}": '${key}' is neither one letter nor ctrl- and one of a-z, @, [, \\, ], ^, _`, {
        status: 400,
      })
    }),
  )
}

/** Watches what is typed. A part of the keys is held back until it is clear that the rest does not follow. */
export class DetachKeys {
  readonly #keys: Uint8Array
  #held = 0

  constructor(keys: Uint8Array) {
    this.#keys = keys
  }

  /** What of these bytes goes on to the container; `detached` when the last key was struck. */
  pass(bytes: Uint8Array): { through: Uint8Array; detached: boolean } {
    if (this.#keys.length === 0) return { through: bytes, detached: false }
    const through: number[] = []
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#held]) {
        through.push(...this.#keys.subarray(0, this.#held))
        this.#held = 0
      }
      if (byte === this.#keys[this.#held]) this.#held += 1
      else through.push(byte)
      if (this.#held === this.#keys.length) {
        this.#held = 0
        return { through: Uint8Array.from(through), detached: true }
      }
    }
    return { through: Uint8Array.from(through), detached: false }
  }
}
