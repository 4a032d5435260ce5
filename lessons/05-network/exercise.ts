/**
 * Your part of lesson 5. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this
 * file, looks at the devices and routes that are there then, and sends packets. Names and addresses are new at every try.
 *
 * The shim makes the steps up to `clone`, in the network of the host (the bottle); the child that it has cloned makes the others.
 * `host(step)` makes a step the shim's wherever it stands. The tools of this lesson:
 *
 *     rtnetlink_socket({ keep: 'net' })     a line to the kernel about the network in which it is made
 *     veth_add(ref('net'), { name: 'near', index: 10, peer: { name: 'far', index: 20, netns: { pid: child } } })
 *     bridge_add(ref('net'), { name: 'switch', index: 100 })
 *     link_set(ref('net'), 'near', { master: 100 })     into the bridge; also { up: true }, which is link_up(ref('net'), 'near')
 *     address_add(ref('net'), 10, '10.0.0.1/24')     to device number 10
 *     route_add(ref('net'), { to: 'default', via: '10.0.0.1' })
 */
import { clone, execve, open, rtnetlink_socket, type Step } from '../../lib/index.js'

/**
 * A process with a network of its own, and a cable from it to the host. The host's end is called `outside` and is `gateway`, the
 * other one is called `inside` and is `address`, both in networks of 24 bits.
 *
 * A beginning is made: the room. There is no cable in it.
 */
export function cable({
  outside,
  inside,
  gateway,
  address,
}: {
  outside: string
  inside: string
  gateway: string
  address: string
}): Step[] {
  console.log(`a cable from ${outside} (${gateway}) to ${inside} (${address})`)
  return [clone('net')]
}

/**
 * A bridge `name`, into which the ends `left` and `right` of two cables are plugged, so that the containers at their other ends reach
 * each other.
 *
 * Here is the line to the kernel. Nothing is said on it.
 */
export function bridge({ name, left, right }: { name: string; left: string; right: string }): Step[] {
  console.log(`into the bridge ${name}: ${left} and ${right}`)
  return [rtnetlink_socket({ keep: 'net' })]
}

/**
 * The container whose network namespace is mounted on the file `door` reaches the machine `far`, by way of the host, who is `gateway`.
 *
 * Here the door is opened. Nobody goes in.
 */
export function gateway({ door, gateway, far }: { door: string; gateway: string; far: string }): Step[] {
  console.log(`from the network behind ${door} by way of ${gateway} to ${far}`)
  return [open(door, ['rdonly'], { keep: 'door' })]
}

/**
 * Who connects to `host`, port `port`, gets to the server at `address`, port `inner`. `nft` is the path of the program.
 *
 * Here nft is run. It is told nothing that would help.
 */
export function publish({
  nft,
  host,
  port,
  address,
  inner,
}: {
  nft: string
  host: string
  port: number
  address: string
  inner: number
}): Step[] {
  console.log(`from ${host}:${port} to ${address}:${inner}`)
  return [clone(), execve(nft, ['nft', 'list tables'])]
}
