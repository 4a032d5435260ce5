/** The network of the two hosts is theirs alone: nobody else is spoken to by mistake. */
import { close } from '../kernel/calls/files.js'
import { rtnetlink_socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import { loneShim } from '../kernel/lone.js'
import { decodeRoutes, type Route } from '../kernel/netlink/decode.js'
import { answerOf, route_get } from '../kernel/netlink/steps.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import { hostsNetwork, isOnHostsNetwork, NETWORK_VARIABLE } from './hosts-range.js'

/**
 * An error for an address of the two hosts' network where this machine is not on it. The packet would not be refused, it would leave by
 * the default route, and somebody else might answer. Asked is the kernel: where it would send from an address of the same network, the way is
 * a cable to it. Other addresses are none of its business. Nothing is sent.
 */
export async function refuseStrangers(address: string, newShim: () => Promise<Shim> = loneShim): Promise<void> {
  const range = hostsNetwork()
  if (!isOnHostsNetwork(address, range)) return
  const route = await routeTo(address, newShim)
  if (route?.src !== undefined && isOnHostsNetwork(route.src, range)) return
  const { 'vm-1': one, 'vm-2': two } = range.addresses
  const name = address === one ? 'vm-1' : address === two ? 'vm-2' : 'on the network of vm-1 and vm-2'
  const way = !route ? 'there is no way to it from here' : `from here the packet would leave ${wayOf(route)}, to whoever is there`
  throw new DrydockError(
    `${address} is ${name}, and ${way}: try it inside (npm run hosts -- shell vm-2), or set ${NETWORK_VARIABLE} if the two hosts are elsewhere`,
  )
}

const wayOf = ({ via, src }: Route): string => (via === undefined ? `as ${src ?? 'somebody else'}` : `by the gateway ${via}`)

/** How the kernel would send there from the network namespace of such a shim; undefined when it knows no way. */
export async function routeTo(address: string, newShim: () => Promise<Shim> = loneShim): Promise<Route | undefined> {
  const shim = await newShim()
  try {
    const socket = ref('route')
    const unknown = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL']
    const results = await shim.run(
      host([rtnetlink_socket({ keep: socket.ref }), route_get(socket, address, { allow: unknown }), close(socket)]),
    )
    const [, answer] = results
    if (!answer) return undefined
    return answer.status === 'ok' ? decodeRoutes(answerOf(answer))[0] : undefined
  } finally {
    await shim.rollback()
  }
}
