/** The name services of user-defined networks: one a network, as long as a container of it runs. */
import { type NameService, startNameService } from '../network/index.js'

interface Served {
  users: number
  readonly service: Promise<NameService>
}

export class NameServices {
  readonly #dataRoot: string
  readonly #served = new Map<string, Served>()

  constructor(dataRoot: string) {
    this.#dataRoot = dataRoot
  }

  /** Resolves when the names can be asked for; `close` says that this user needs them no more. */
  async use(networks: readonly string[]): Promise<NameService> {
    const used: string[] = []
    const close = async () => void (await Promise.all(used.splice(0).map((network) => this.#leave(network))))
    try {
      for (const network of networks) {
        const served = this.#served.get(network) ?? { users: 0, service: startNameService(this.#dataRoot, network) }
        this.#served.set(network, served)
        served.users++
        used.push(network)
        await served.service
      }
    } catch (error) {
      await close()
      throw error
    }
    return { close }
  }

  async close(): Promise<void> {
    const all = [...this.#served.values()]
    this.#served.clear()
    await Promise.all(all.map(async ({ service }) => (await service.catch(() => undefined))?.close()))
  }

  async #leave(network: string): Promise<void> {
    const served = this.#served.get(network)
    if (!served || --served.users > 0) return
    this.#served.delete(network)
    const service = await served.service.catch(() => undefined)
    await service?.close()
  }
}
