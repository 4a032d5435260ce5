/** Devices of the network namespace in which a shim is, by netlink. */
import { close } from '../kernel/calls/files.js'
import { rtnetlink_socket } from '../kernel/calls/sockets.js'
import { decodeLinks, type Link } from '../kernel/netlink/decode.js'
import type { Device } from '../kernel/netlink/device.js'
import { answerOf, link_delete, link_dump } from '../kernel/netlink/steps.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'

const SOCKET = ref('links')

export async function linksAt(shim: Shim): Promise<Link[]> {
  const [, dump] = await shim.run(host([rtnetlink_socket({ keep: SOCKET.ref }), link_dump(SOCKET), close(SOCKET)]))
  return decodeLinks(answerOf(dump as Result))
}

/** ENODEV: it is gone already. Of a cable one end takes the other along. */
export async function removeLink(shim: Shim, target: string | Device): Promise<void> {
  await shim.run(host([rtnetlink_socket({ keep: SOCKET.ref }), link_delete(SOCKET, target, { allow: ['ENODEV'] }), close(SOCKET)]))
}
