/** The image that a container is made of. What images are does not change, so each is read once. */
import { lookUp } from '../../image/store/find.js'
import type { Image, Store } from '../../image/store/index.js'
import type { ImageConfig } from '../../image/types.js'

/** How many are known at one time. */
const KNOWN = 100

export type Base = Pick<Image, 'id' | 'config' | 'layers'>

export class Bases {
  readonly #store: Store
  readonly #configs = new Map<Image['id'], ImageConfig>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Throws `No such image`. */
  async find(word: string): Promise<Base> {
    const { id, layers } = lookUp(this.#store, word)
    const directories = layers.map(({ chainId }) => this.#store.layers.directory(chainId)).reverse()
    return { id, config: this.#configs.get(id) ?? (await this.#read(id)), layers: directories }
  }

  /**
   * Is it there still? Whoever asks when its container can be seen by everybody knows that nobody takes its layers away: who collects garbage looks at images
   * first and at containers afterwards, so that one who has missed the container has missed the image too.
   */
  has({ id }: Base): boolean {
    return this.#store.records.has(id)
  }

  async #read(id: Image['id']): Promise<ImageConfig> {
    const config = await this.#store.config(id)
    this.#configs.set(id, config)
    const [oldest] = this.#configs.keys()
    if (this.#configs.size > KNOWN && oldest) this.#configs.delete(oldest)
    return config
  }
}
