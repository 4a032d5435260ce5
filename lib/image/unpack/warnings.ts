/** Warnings of the same kind, of which a layer may have a hundred thousand, as one sentence. */
import { showName } from '../tar/index.js'

export class Warnings {
  readonly #kinds = new Map<string, { first: string; count: number }>()

  /** `kind` is the sentence's beginning. */
  add(kind: string, path: string): void {
    const known = this.#kinds.get(kind)
    if (known) known.count++
    else this.#kinds.set(kind, { first: path, count: 1 })
  }

  sentences(): string[] {
    return [...this.#kinds].map(([kind, { first, count }]) => {
      const others = count === 1 ? '' : ` and ${count - 1} more`
      return `${kind}: ${showName(Buffer.from(first, 'latin1'))}${others}`
    })
  }
}
