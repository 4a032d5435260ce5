/** Networks by what somebody typed. Three are always there: the default bridge, and two that are none. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { DrydockError } from '../../kernel/errors.js'
import { readNetworks } from '../../network/config.js'
import { DEFAULT_NETWORK, type NetworkConfig, settleDefaultNetwork } from '../../network/index.js'
import type { EngineContext } from '../context.js'

/** `host`: the host's own; `none`: a loopback alone. */
export interface ModeNetwork {
  readonly kind: 'mode'
  readonly name: 'host' | 'none'
  readonly id: string
  readonly driver: 'host' | 'null'
  /** RFC 3339. */
  readonly created: string
}

export interface BridgeNetwork {
  readonly kind: 'bridge'
  readonly name: string
  readonly id: string
  readonly driver: 'bridge'
  readonly created: string
  readonly config: NetworkConfig
}

export type Network = ModeNetwork | BridgeNetwork

export const isPredefined = ({ name }: Pick<Network, 'name'>): boolean => [DEFAULT_NETWORK, 'host', 'none'].includes(name)

/** Those that are always there first. */
export function allNetworks({ id, dataRoot }: EngineContext): Network[] {
  const { config } = settleDefaultNetwork(dataRoot)
  const others = readNetworks(dataRoot).filter(({ name }) => name !== DEFAULT_NETWORK)
  const since = statSync(dataRoot).birthtime.toISOString()
  const mode = (name: ModeNetwork['name'], driver: ModeNetwork['driver']): ModeNetwork => {
    return { kind: 'mode', name, id: modeId(id, name), driver, created: since }
  }
  return [bridgeOf(config), mode('host', 'host'), mode('none', 'null'), ...others.map(bridgeOf)]
}

/** Of what has none by itself: the same for the same engine. */
export const modeId = (engine: string, name: ModeNetwork['name']): string => createHash('sha256').update(`${engine} ${name}`).digest('hex')

export const bridgeOf = (config: NetworkConfig): BridgeNetwork => {
  const { name, id, created } = config
  return { kind: 'bridge', name, id, driver: 'bridge', created, config }
}

/** In Docker's order: a whole id, a name, the beginning of an id. Throws `network WORD not found` (404). */
export function findNetwork(context: EngineContext, word: string): Network {
  const networks = allNetworks(context)
  const exact = networks.find(({ id }) => id === word) ?? networks.find(({ name }) => name === word)
  if (exact) return exact
  const found = word === '' ? [] : networks.filter(({ id }) => id.startsWith(word))
  const [first, second] = found
  if (second) throw new DrydockError(`network ${word} is ambiguous (${found.length} matches found based on ID prefix)`, { status: 400 })
  if (!first) throw new DrydockError(`network ${word} not found`, { status: 404 })
  return first
}
