/** The bridge of a network: whether it is there, and the steps that make it. All by netlink, in the network namespace of a given shim. */
import { close, open, write } from '../kernel/calls/files.js'
import { netlink, rtnetlink_socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import { type Family, formatMac, parsePrefix } from '../kernel/ip.js'
import { addressAdd } from '../kernel/netlink/address.js'
import { decodeAddresses, decodeLinks, decodeRoutes } from '../kernel/netlink/decode.js'
import { bridgeAdd, linkSet } from '../kernel/netlink/link.js'
import { address_dump, answerOf, link_get, route_dump } from '../kernel/netlink/steps.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, type Ref, ref, type Step } from '../kernel/step.js'
import type { NetworkConfig } from './config.js'
import { linksAt, removeLink } from './links.js'
import type { Ipv6Place } from './pool6.js'

/** `172.17.0.1/16`: the bridge's address, which is its containers' gateway. */
export const bridgeAddress = ({ gateway, subnet }: NetworkConfig): string => `${gateway}/${parsePrefix(subnet).length}`

/**
 * The bridge's own hardware address. A bridge that was given none takes the lowest of its ports', so that it changes when containers
 * come and go, and their ARP caches are wrong for a while.
 */
const bridgeMac = ({ index }: Pick<NetworkConfig, 'index'>): string =>
  formatMac(Uint8Array.of(0x02, 0x42, (index >>> 24) & 0xff, (index >>> 16) & 0xff, (index >>> 8) & 0xff, index & 0xff))

/** A device has the bridge's name, and it is another's. */
export class OtherBridge extends DrydockError {
  constructor({ bridge, name }: NetworkConfig) {
    super(`the device ${bridge} exists already and is not the bridge of network ${name}: remove it (ip link delete ${bridge})`)
  }
}

/** The bridge as the kernel has it. A device of that name that is not ours is an error. */
export async function bridgeState(shim: Shim, config: NetworkConfig): Promise<'absent' | 'incomplete' | 'ready'> {
  const socket = ref('bridge')
  const results = await shim.attempt(
    host([rtnetlink_socket({ keep: socket.ref }), link_get(socket, config.bridge, { allow: ['ENODEV'] }), close(socket)]),
  )
  const [, found] = results
  const failed = results.find(({ status }) => status === 'failed')
  if (failed || !found) throw failed ? new StepError(failed) : new DrydockError('the shim did not answer')
  if (found.status === 'allowed') return 'absent'
  const [link] = decodeLinks(answerOf(found))
  if (link?.kind !== 'bridge' || link.index !== config.index) {
    throw new OtherBridge(config)
  }
  // Raised last, when it has its address.
  return link.flags.includes('up') ? 'ready' : 'incomplete'
}

/**
 * Where a daemon or a command with another data root has left its bridge under this name, and nothing is plugged into it, it is taken away: those who come
 * back to that data root make it again. False: it is none of ours, or containers are on it.
 */
export async function makeRoom(shim: Shim, { bridge, index }: NetworkConfig): Promise<boolean> {
  const links = await linksAt(shim)
  const found = links.find(({ name }) => name === bridge)
  // By the address that we give to every bridge of ours.
  if (found?.kind !== 'bridge' || found.index === index || found.mac !== bridgeMac(found)) return false
  if (links.some(({ master }) => master === found.index)) return false
  await removeLink(shim, { name: bridge, index: found.index })
  return true
}

/** Make the bridge, or what is missing of it. Two that do it at once both succeed. */
export async function makeBridge(shim: Shim, config: NetworkConfig): Promise<void> {
  const socket = ref('bridge')
  const device = { index: config.index, name: config.bridge }
  // STP is off unless asked for, so a port forwards from the first packet on.
  const bridge = bridgeAdd({ ...device, mac: bridgeMac(config), mtu: config.mtu })
  await shim.run(
    host([
      rtnetlink_socket({ keep: socket.ref }),
      netlink(socket, bridge, { allow: ['EEXIST', 'EBUSY'] }),
      netlink(socket, addressAdd(device, bridgeAddress(config), { broadcast: 'auto' }), { allow: ['EEXIST'] }),
      ...(config.ipv6 ? addressSteps6(config, config.ipv6, socket) : []),
      netlink(socket, linkSet(device, { up: true })),
      close(socket),
    ]),
  )
}

/** Where new devices have no IPv6 (net.ipv6.conf.default.disable_ipv6) they can be given no address. */
function addressSteps6({ bridge, index }: NetworkConfig, { gateway, subnet }: Ipv6Place, socket: Ref): Step[] {
  const setting = ref('ipv6')
  const address = addressAdd({ index, name: bridge }, `${gateway}/${parsePrefix(subnet).length}`, { nodad: true })
  return [
    open(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, ['wronly'], { keep: setting.ref }),
    write(setting, '0'),
    close(setting),
    netlink(socket, address, { allow: ['EEXIST'] }),
  ]
}

/** Networks that this namespace knows: of its addresses and of its routes, the default route left out. `10.0.0.0/8`. */
export async function knownNetworks(shim: Shim, family: Family = 4): Promise<string[]> {
  const socket = ref('known')
  const [, addresses, routes] = await shim.run(
    host([rtnetlink_socket({ keep: socket.ref }), address_dump(socket, family), route_dump(socket, family), close(socket)]),
  )
  if (!addresses || !routes) return []
  return [
    ...decodeAddresses(answerOf(addresses)).map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ...decodeRoutes(answerOf(routes)).flatMap(({ to, table }) => (to === 'default' || table === 'local' ? [] : [to])),
  ]
}
