/** Networks: bridges, addresses, published ports, names. */
import type { NameService } from './names.js'

export { type Attachment, type AttachmentRequest, networkFragmentFor, planAttachment } from './attachment.js'
export { DEFAULT_NETWORK, type NetworkConfig } from './config.js'
export type { Lease } from './leases.js'
export type { NameService } from './names.js'
export {
  createNetwork,
  describeNetwork,
  ensureNetwork,
  foreseeNetwork,
  inspectNetwork,
  listNetworks,
  type NetworkView,
  type NewNetworkSettings,
  removeNetwork,
} from './networks.js'
export { type PublishedPort, parsePort } from './ports.js'
export { hostNameservers, hostResolvConf, type ResolvConf, resolvConfFor } from './resolv.js'
/** Loaded when the first container on a network with names needs it. */
export async function startNameService(dataRoot: string, network: string): Promise<NameService> {
  return (await import('./names.js')).startNameService(dataRoot, network)
}
export type { MoreShims } from './run-nft.js'
