/** Networks: bridges, addresses, published ports, names. */
import type { NameService } from './names.js'

export { type Attachment, type AttachmentRequest, networkFragmentFor, ownNames, planAttachment } from './attachment.js'
export { DEFAULT_NETWORK, type NetworkChoices, type NetworkConfig, type NewNetworkSettings } from './config.js'
export { forgetLeases, leaseOf, leave, renameLease, rewrite as rewriteLease } from './lease-changes.js'
export { endpointId, type Lease } from './leases.js'
export type { NameService } from './names.js'
export {
  changeDefaultNetwork,
  createNetwork,
  describeNetwork,
  ensureNetwork,
  foreseeNetwork,
  inspectNetwork,
  listNetworks,
  type NetworkView,
  removeNetwork,
  settleDefaultNetwork,
} from './networks.js'
export { freePosition, hasDefaultRoute, leadPorts, plugIn, pullOut, routeThrough, type Target } from './plug.js'
export { type PublishedPort, parsePort } from './ports.js'
export { hostNameservers, hostResolvConf, nameserversOf, type ResolvConf, resolvConfFor } from './resolv.js'
/** Loaded when the first container on a network with names needs it. */
export async function startNameService(dataRoot: string, network: string): Promise<NameService> {
  return (await import('./names.js')).startNameService(dataRoot, network)
}
export { hasNft, type MoreShims } from './run-nft.js'
