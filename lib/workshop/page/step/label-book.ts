/** The letters of a whole session: a namespace bears the same one at every stop, wherever one has come from. */
import type { Replay } from '../../../trace/replay.js'
import { Labels } from '../labels.js'

export class LabelBook {
  readonly replay: Replay
  /** By moment; those up to here are known. */
  readonly #known: (Labels | undefined)[] = []

  constructor(replay: Replay) {
    this.replay = replay
  }

  /** Of the picture before the moment and of the one after it. */
  at(index: number): Labels | undefined {
    // The last moment may have grown since.
    for (let next = Math.min(this.#known.length, index); next <= index; next++) {
      const before = this.#known[next - 1]
      const pictures = [this.replay.before(next), this.replay.after(next)].flatMap((picture) => picture ?? [])
      this.#known[next] = pictures.reduce<Labels | undefined>((labels, picture) => Labels.of(picture, labels), before)
    }
    return this.#known[index]
  }
}
