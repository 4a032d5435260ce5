/** Makes a network whose default route leads out, by a gateway or by a tunnel that has none: a cable of which the other end is in the same place. Resolves with the rtnetlink socket. */
import { rtnetlink_socket } from '../../lib/kernel/calls/sockets.js'
import { address_add, link_up, route_add, veth_add } from '../../lib/kernel/netlink/steps.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { host, type Ref, ref } from '../../lib/kernel/step.js'

export async function leadOut(shim: Shim, via: string | undefined): Promise<Ref> {
  const [socket, out] = [ref('net'), { index: 50, name: 'out0' }]
  await shim.run(
    host([
      rtnetlink_socket({ keep: socket.ref }),
      veth_add(socket, { ...out, up: true, peer: { name: 'far0' } }),
      link_up(socket, 'far0'),
      address_add(socket, out, '10.9.9.2/24'),
      route_add(socket, { to: 'default', dev: out, ...(via && { via }) }),
    ]),
  )
  return socket
}
