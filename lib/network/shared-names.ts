/** Names of all networks that somebody is on: whoever asks the name service of one of them knows the others' names too, and no one else's. */
import { statSync } from 'node:fs'
import { DEFAULT_NETWORK, networksDirectory, readNetworks } from './config.js'
import { type Names, namesOf } from './local-names.js'

export class SharedNames {
  readonly #dataRoot: string
  readonly #network: string
  readonly #byNetwork = new Map<string, () => Names>()
  #changed: bigint | undefined

  constructor(dataRoot: string, network: string) {
    this.#dataRoot = dataRoot
    this.#network = network
    this.#byNetwork.set(network, namesOf(dataRoot, network))
  }

  /** Of the network itself. */
  get own(): Names {
    return (this.#byNetwork.get(this.#network) as () => Names)()
  }

  /** Of the other networks of the container that has this address here. */
  *others(asker: string): Generator<Names> {
    const id = this.own.ids.get(asker)
    if (id === undefined) return
    this.#look()
    for (const [network, names] of this.#byNetwork) {
      if (network === this.#network) continue
      const found = names()
      if ([...found.ids.values()].includes(id)) yield found
    }
  }

  /** Which networks there are, when one was made or removed since the last look. */
  #look(): void {
    const changed = statSync(networksDirectory(this.#dataRoot), { bigint: true, throwIfNoEntry: false })?.mtimeNs
    if (changed === this.#changed) return
    this.#changed = changed
    const there = new Set(readNetworks(this.#dataRoot).flatMap(({ name }) => (name === DEFAULT_NETWORK ? [] : [name])))
    for (const network of this.#byNetwork.keys()) if (!there.has(network) && network !== this.#network) this.#byNetwork.delete(network)
    for (const network of there) if (!this.#byNetwork.has(network)) this.#byNetwork.set(network, namesOf(this.#dataRoot, network))
  }
}
