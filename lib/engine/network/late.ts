/**
 * What was plugged into containers while they ran. Their shims know nothing of it and undo nothing: it is taken back here, when a container has ended.
 */
import { sentenceOf } from '../../kernel/errors.js'
import { forgetLeases } from '../../network/index.js'
import type { NameService } from '../connections.js'

export class LateNetworks {
  readonly #dataRoot: string
  readonly #log: (level: 'warn', sentence: string) => void
  /** By the container's id: the name services that it uses, by network. */
  readonly #known = new Map<string, Map<string, NameService>>()

  constructor(dataRoot: string, log: (level: 'warn', sentence: string) => void) {
    this.#dataRoot = dataRoot
    this.#log = log
  }

  /** From now on something of it is to be taken back. Also of a container that was found running: an engine before this one may have plugged something in. */
  note(id: string): void {
    if (!this.#known.has(id)) this.#known.set(id, new Map())
  }

  /** It uses the network's name service until it leaves. */
  serve(id: string, network: string, service: NameService): void {
    this.note(id)
    this.#known.get(id)?.set(network, service)
  }

  async left(id: string, network: string): Promise<void> {
    const services = this.#known.get(id)
    const service = services?.get(network)
    services?.delete(network)
    await service?.close()
  }

  /** The container and its shim have ended. Costs nothing for one that was left as it was started. */
  async ended(id: string): Promise<void> {
    const services = this.#known.get(id)
    if (!services) return
    this.#known.delete(id)
    for (const service of services.values()) await service.close()
    try {
      await forgetLeases(this.#dataRoot, id)
    } catch (error) {
      // They are stale: whoever needs one of these addresses has it.
      this.#log('warn', `the addresses of container ${id.slice(0, 12)} stay taken for a while: ${sentenceOf(error)}`)
    }
  }
}
