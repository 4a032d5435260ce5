/** Who may be connected to what, in Docker's words. */
import type { EndpointRequest, NetworkMode } from '../../container/index.js'
import type { Machine } from '../../container/machine.js'
import { DrydockError } from '../../kernel/errors.js'
import { administersNetwork } from '../../kernel/proc/net.js'
import { checkWanted } from '../../network/addresses.js'
import { DEFAULT_NETWORK, hasNft } from '../../network/index.js'
import type { ContainerHandle } from '../context.js'
import { own } from '../own.js'
import { checkDefault, OF_HOST, OF_NONE, OF_OTHER } from '../request/networks.js'
import type { Network } from './find.js'

export type Networks = NetworkMode & { readonly kind: 'networks' }

const refuse = (why: string, status = 400): never => {
  throw new DrydockError(why, { status })
}

/** Root of a user namespace may, where the network belongs to that namespace: in a bottle, for example. */
export const mayNotPlug = ({ idmap }: Machine): boolean => idmap !== undefined && !administersNetwork()

/** Root of a user namespace without the program that makes the rules of a network. Root of the host hears of that as of an error. */
export const cannotFilter = ({ idmap }: Machine): boolean => idmap !== undefined && !hasNft()

/** An ordinary user may make no bridge on the host, nor plug anything into one. */
export function checkRoot(rootless: boolean, network: string): void {
  if (rootless) refuse(`the network ${network} needs root: an ordinary user may not plug a cable into the host`, 403)
}

function checkLives({ status, id }: ContainerHandle): void {
  if (status === 'removing' || status === 'dead')
    refuse(`container ${id} is marked for removal and cannot be connected or disconnected to the network`, 409)
}

/** The networks that it has now. `rootless`: of an engine that may not plug anything into the host. */
export function checkConnect(handle: ContainerHandle, network: Network, request: EndpointRequest, rootless: boolean): Networks {
  checkLives(handle)
  checkRoot(rootless, network.name)
  const mode = handle.record.spec.network
  if (mode.kind === 'container' || mode.kind === 'host') return refuse(OF_OTHER)
  if (network.name === 'host') return refuse(OF_HOST)
  if (mode.kind === 'none' || network.name === 'none') return refuse(OF_NONE)
  if (network.name === DEFAULT_NETWORK) checkDefault(request)
  else if (network.kind === 'bridge') checkWanted(network.config, request)
  if (own(handle.endpoints, network.name)) refuse(`endpoint with name ${handle.name} already exists in network ${network.name}`, 403)
  return mode
}

/** The networks that it has now; none of one that had the loopback alone. */
export function checkDisconnect(handle: ContainerHandle, network: Network): Networks {
  checkLives(handle)
  const mode = handle.record.spec.network
  if (mode.kind === 'host' && network.name === 'host') return refuse(OF_HOST)
  if (mode.kind === 'none' && network.name === 'none') return { kind: 'networks', names: [], aliases: [], ports: [] }
  if (mode.kind !== 'networks' || !mode.names.includes(network.name)) {
    // Docker's own status for it.
    return refuse(`container ${handle.id} is not connected to ${handle.running ? '' : 'the '}network ${network.name}`, 500)
  }
  return mode
}
