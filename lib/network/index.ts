/** Networks: bridges, addresses, published ports, names. */
export { type Attachment, type AttachmentRequest, networkFragmentFor, planAttachment } from './attachment.js'
export { DEFAULT_NETWORK, type NetworkConfig } from './config.js'
export type { Lease } from './leases.js'
export {
  createNetwork,
  describeNetwork,
  ensureNetwork,
  inspectNetwork,
  listNetworks,
  type NetworkView,
  type NewNetworkSettings,
  removeNetwork,
} from './networks.js'
export { type PublishedPort, parsePort } from './ports.js'
export { hostNameservers, hostResolvConf, type ResolvConf, resolvConfFor } from './resolv.js'
export type { MoreShims } from './run-nft.js'
