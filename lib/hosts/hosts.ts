/** Two hosts, vm-1 and vm-2, and at will a third that plays the internet: bottles that are joined by cables. They live as long as this program. */
import { Rack } from '../bottle/rack.js'
import { type Bottle, hostSpawner } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'
import type { Shim } from '../kernel/shim.js'
import { hostsNetwork } from '../network/hosts-range.js'
import { joinBySwitch, joinDirectly, OUTSIDE } from './cables.js'
import { type HostRecord, type House, type Neighbour, openHouse } from './house.js'

export type HostName = 'vm-1' | 'vm-2' | 'internet'

export interface HostsOptions {
  /** A third host with the address 8.8.8.8, and the way to it. */
  readonly internet?: boolean
}

export class Hosts {
  readonly network: string
  readonly #houses: readonly House[]
  readonly #rack: Rack | undefined

  private constructor(network: string, houses: readonly House[], rack: Rack | undefined) {
    this.network = network
    this.#houses = houses
    this.#rack = rack
  }

  /** Bring them up. Nothing is left when that fails. */
  static async open({ internet = false }: HostsOptions = {}): Promise<Hosts> {
    const range = hostsNetwork()
    const { addresses } = range
    const two: readonly (Neighbour & { name: 'vm-1' | 'vm-2' })[] = [
      { name: 'vm-1', address: addresses['vm-1'] },
      { name: 'vm-2', address: addresses['vm-2'] },
    ]
    const all: readonly Neighbour[] = [...two, ...(internet ? [{ name: 'internet', address: OUTSIDE }] : [])]
    const rack = process.geteuid?.() === 0 ? undefined : await Rack.open(await (await hostSpawner()).shim())
    const opened = await Promise.allSettled(all.map((one) => openHouse(one, all, rack)))
    const houses = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const hosts = new Hosts(range.network, houses, rack)
    try {
      const failed = opened.find((one) => one.status === 'rejected')
      if (failed) throw failed.reason
      const [one, two, third] = houses.map(({ bottle }) => bottle.pid) as [number, number, number?]
      await using(await (rack ?? (await hostSpawner())).shim(), (shim) => {
        const plugged = [
          { name: 'vm-1', pid: one },
          { name: 'vm-2', pid: two },
        ] as const
        return third === undefined ? joinDirectly(shim, ...plugged, range) : joinBySwitch(shim, plugged, third, range)
      })
      return hosts
    } catch (error) {
      await hosts.close()
      throw error
    }
  }

  get records(): readonly HostRecord[] {
    return this.#houses.map(({ record }) => record)
  }

  /** Resolves with the name of the first that ends, for whatever reason. */
  get ended(): Promise<string> {
    return Promise.race(this.#houses.map(({ bottle }) => bottle.ended.then(() => bottle.name)))
  }

  bottle(name: HostName): Bottle {
    return this.#house(name).bottle
  }

  record(name: HostName): HostRecord {
    return this.#house(name).record
  }

  /** End all that runs in them, and them. Safe to call twice. */
  async close(): Promise<void> {
    await Promise.all(this.#houses.map(({ bottle }) => bottle.close()))
    await this.#rack?.close()
  }

  #house(name: HostName): House {
    const found = this.#houses.find(({ record }) => record.name === name)
    if (!found) throw new DrydockError(`there is no host '${name}'; there are: ${this.records.map((one) => one.name).join(', ')}`)
    return found
  }
}

async function using<T>(shim: Shim, act: (shim: Shim) => Promise<T>): Promise<T> {
  try {
    return await act(shim)
  } finally {
    await shim.rollback()
  }
}
