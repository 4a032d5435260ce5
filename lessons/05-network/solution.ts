/** Solutions of lesson 5. Others are just as good: the checks look at what is there in the end, and whether packets arrive. */
import {
  address_add,
  bridge_add,
  child,
  clone,
  close,
  execve,
  host,
  link_set,
  link_up,
  open,
  ref,
  route_add,
  rtnetlink_socket,
  type Step,
  setns,
  veth_add,
  write,
} from '../../lib/index.js'

/** One request lays the cable into the new room; then each side sees to its own end, on a line of its own. */
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
  const [near, own] = [ref('near'), ref('own')]
  return [
    rtnetlink_socket({ keep: 'near' }),
    clone('net'),
    host(veth_add(near, { name: outside, index: 10, peer: { name: inside, index: 20, netns: { pid: child } } })),
    host(address_add(near, 10, `${gateway}/24`)),
    host(link_up(near, outside)),
    rtnetlink_socket({ keep: 'own' }),
    address_add(own, 20, `${address}/24`),
    link_up(own, inside),
  ]
}

/** A switch needs neither an address nor a process. */
export function bridge({ name, left, right }: { name: string; left: string; right: string }): Step[] {
  const net = ref('net')
  return [
    rtnetlink_socket({ keep: 'net' }),
    bridge_add(net, { name, index: 100, up: true }),
    link_set(net, left, { master: 100, up: true }),
    link_set(net, right, { master: 100, up: true }),
  ]
}

/** The host's switch is set by the shim, which stays where it is; the route by a child that goes in. */
export function gateway({ door, gateway }: { door: string; gateway: string; far: string }): Step[] {
  return [
    open('/proc/sys/net/ipv4/ip_forward', ['wronly'], { keep: 'forward' }),
    write(ref('forward'), '1'),
    close(ref('forward')),
    open(door, ['rdonly'], { keep: 'door' }),
    clone(),
    setns(ref('door'), ['net']),
    rtnetlink_socket({ keep: 'net' }),
    route_add(ref('net'), { to: 'default', via: gateway }),
  ]
}

/** Before the route is chosen, what is for the host's port becomes a packet for the container's. */
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
  const commands = [
    'add table ip mine',
    'add chain ip mine in { type nat hook prerouting priority -100; }',
    `add rule ip mine in ip daddr ${host} tcp dport ${port} dnat to ${address}:${inner}`,
  ]
  return [clone(), execve(nft, ['nft', commands.join('; ')])]
}
