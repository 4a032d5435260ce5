/** Netlink requests as steps, on a socket that `rtnetlink_socket` opened: `link_up(ref('net'), 'lo')`. */
import { netlink } from '../calls/sockets.js'
import { DrydockError } from '../errors.js'
import type { Family } from '../ip.js'
import type { Result } from '../result.js'
import type { Descriptor, Step, StepOptions } from '../step.js'
import { type AddressSettings, addressAdd, addressDelete, addressDump } from './address.js'
import type { Device } from './device.js'
import {
  bridgeAdd,
  type LinkChange,
  linkAdd,
  linkDelete,
  linkDump,
  linkGet,
  linkSet,
  type NewBridge,
  type NewLink,
  type NewVeth,
  vethAdd,
} from './link.js'
import { forwardingDump, neighbourDump } from './neighbour.js'
import { type RouteSettings, routeAdd, routeDelete, routeDump, routeGet } from './route.js'

/** Room in bytes for the answer to a dump: a link takes some 1.4 KiB, an address 80 bytes, a route 60. */
const DUMP_SIZE = 256 * 1024
const GET_SIZE = 16 * 1024

export const link_set = (socket: Descriptor, target: string | Device, change: LinkChange, options?: StepOptions): Step =>
  netlink(socket, linkSet(target, change), options)

export const link_up = (socket: Descriptor, target: string | Device, options?: StepOptions): Step =>
  netlink(socket, linkSet(target, { up: true }), options)

export const link_down = (socket: Descriptor, target: string | Device, options?: StepOptions): Step =>
  netlink(socket, linkSet(target, { up: false }), options)

export const link_add = (socket: Descriptor, kind: string, link: NewLink, options?: StepOptions): Step =>
  netlink(socket, linkAdd(kind, link), options)

export const bridge_add = (socket: Descriptor, bridge: NewBridge, options?: StepOptions): Step =>
  netlink(socket, bridgeAdd(bridge), options)

export const veth_add = (socket: Descriptor, veth: NewVeth, options?: StepOptions): Step => netlink(socket, vethAdd(veth), options)

export const link_delete = (socket: Descriptor, target: string | Device, options?: StepOptions): Step =>
  netlink(socket, linkDelete(target), options)

/** The link is the step's out-buffer: decodeLinks(answerOf(result)). */
export const link_get = (socket: Descriptor, target: string | Device, options: StepOptions = {}): Step =>
  netlink(socket, linkGet(target), { ...options, answer: GET_SIZE })

export const link_dump = (socket: Descriptor, options: StepOptions = {}): Step =>
  netlink(socket, linkDump(), { ...options, answer: DUMP_SIZE })

export const address_add = (socket: Descriptor, device: Device, address: string, settings?: AddressSettings, options?: StepOptions): Step =>
  netlink(socket, addressAdd(device, address, settings), options)

export const address_delete = (socket: Descriptor, device: Device, address: string, options?: StepOptions): Step =>
  netlink(socket, addressDelete(device, address), options)

export const address_dump = (socket: Descriptor, family?: Family, options: StepOptions = {}): Step =>
  netlink(socket, addressDump(family), { ...options, answer: DUMP_SIZE })

export const route_add = (socket: Descriptor, route: RouteSettings, options?: StepOptions): Step =>
  netlink(socket, routeAdd(route), options)

export const route_delete = (socket: Descriptor, route: RouteSettings, options?: StepOptions): Step =>
  netlink(socket, routeDelete(route), options)

/** The route is the step's out-buffer: decodeRoutes(answerOf(result)). */
export const route_get = (socket: Descriptor, address: string, options: StepOptions = {}): Step =>
  netlink(socket, routeGet(address), { ...options, answer: GET_SIZE })

export const route_dump = (socket: Descriptor, family?: Family, options: StepOptions = {}): Step =>
  netlink(socket, routeDump(family), { ...options, answer: DUMP_SIZE })

export const neighbour_dump = (socket: Descriptor, family?: Family, options: StepOptions = {}): Step =>
  netlink(socket, neighbourDump(family), { ...options, answer: DUMP_SIZE })

export const forwarding_dump = (socket: Descriptor, options: StepOptions = {}): Step =>
  netlink(socket, forwardingDump(), { ...options, answer: DUMP_SIZE })

/** The bytes that a get or a dump was answered with, for the decoders. The shim returns how many there were, more than fit or not. */
export function answerOf(result: Result): Buffer {
  const [buffer] = result.outs
  const length = Number(result.ret)
  if (result.status !== 'ok' || !buffer)
    throw new DrydockError(`a netlink request that was not answered has no answer to look at (${result.status})`)
  if (length > buffer.length)
    throw new DrydockError(`the answer of ${length} bytes is longer than the ${buffer.length} bytes that there was room for`)
  return buffer.subarray(0, length)
}
