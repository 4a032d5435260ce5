/**
 * What joins the hosts. Two are joined by one cable, whose ends are their eth0. With the internet there is a switch in the third, which is also
 * the router:
 *
 *     vm-1  eth0 ═════════════ eth0  vm-2            vm-1  eth0 ═══ vm-1 ┐
 *           .115               .116                        .115          ├ switch .1   internet   lo 8.8.8.8
 *                                                    vm-2  eth0 ═══ vm-2 ┘
 *                                                          .116
 *
 * A shim goes from namespace to namespace and opens a netlink socket in each: a socket goes on speaking to the network in which it was made. veth(4).
 */
import { close, open, write } from '../kernel/calls/files.js'
import { pidfd_open, setns } from '../kernel/calls/process.js'
import { netlink, rtnetlink_socket } from '../kernel/calls/sockets.js'
import { addressAdd } from '../kernel/netlink/address.js'
import { type Device, LOOPBACK } from '../kernel/netlink/device.js'
import { bridgeAdd, linkSet, vethAdd } from '../kernel/netlink/link.js'
import { together } from '../kernel/netlink/message.js'
import { routeAdd } from '../kernel/netlink/route.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref, type Step } from '../kernel/step.js'
import { type HostsNetwork, hostsNetwork } from '../network/hosts-range.js'

/** Behind what the kernel puts into a new network namespace by itself. */
const ETH0: Device & object = { index: 100, name: 'eth0' }
const SWITCH: Device & object = { index: 200, name: 'switch' }

/** The address outside that the article pings. */
export const OUTSIDE = '8.8.8.8'

export interface Plugged {
  readonly name: 'vm-1' | 'vm-2'
  /** Of its first process, as the shim counts processes. */
  readonly pid: number
}

/** One cable between the two. */
export async function joinDirectly(shim: Shim, one: Plugged, two: Plugged, range: HostsNetwork = hostsNetwork()): Promise<void> {
  const far = { ...ETH0, mac: macOf(range.addresses[two.name]), netns: { pid: two.pid } }
  await shim.run(
    host([
      ...enter(one.pid, 'one'),
      netlink(ref('one'), vethAdd({ ...ETH0, mac: macOf(range.addresses[one.name]), peer: far }), {
        why: 'the cable, its far end in the other host',
      }),
      netlink(ref('one'), addressed(range.prefixes[one.name])),
      ...enter(two.pid, 'two'),
      netlink(ref('two'), addressed(range.prefixes[two.name])),
    ]),
  )
}

/** Both to a switch in the third, which knows the way out. */
export async function joinBySwitch(
  shim: Shim,
  hosts: readonly Plugged[],
  internet: number,
  range: HostsNetwork = hostsNetwork(),
): Promise<void> {
  await shim.run(
    host([
      ...enter(internet, 'net'),
      netlink(ref('net'), bridgeAdd({ ...SWITCH, mac: macOf(range.addresses.router), forwardDelay: 0 })),
      netlink(ref('net'), together([addressAdd(SWITCH, range.prefixes.router, { broadcast: 'auto' }), linkSet(SWITCH, { up: true })])),
      netlink(ref('net'), addressAdd(LOOPBACK, `${OUTSIDE}/32`, { scope: 'universe' })),
      ...forwarding(),
      ...hosts.flatMap(({ name, pid }, index) => [
        netlink(
          ref('net'),
          vethAdd({
            index: SWITCH.index + 1 + index,
            name,
            up: true,
            master: SWITCH,
            peer: { ...ETH0, mac: macOf(range.addresses[name]), netns: { pid } },
          }),
          { why: 'one end is a port of the switch, the other the host’s eth0' },
        ),
      ]),
      ...hosts.flatMap(({ name, pid }) => [
        ...enter(pid, name),
        netlink(
          ref(name),
          together([addressed(range.prefixes[name]), routeAdd({ to: 'default', via: range.addresses.router, dev: ETH0 })]),
        ),
      ]),
    ]),
  )
}

const addressed = (prefix: string) => together([addressAdd(ETH0, prefix, { broadcast: 'auto' }), linkSet(ETH0, { up: true })])

/** Into the network of that process, and a line to the kernel about it. */
function enter(pid: number, name: string): Step[] {
  const pidfd = ref(`pidfd.${name}`)
  return [
    pidfd_open(pid, { keep: pidfd.ref }),
    setns(pidfd, ['net'], { why: 'a netlink socket is about the network in which it is opened' }),
    close(pidfd),
    rtnetlink_socket({ keep: name }),
  ]
}

/** In the namespace that the shim is in: /proc/sys/net shows that of whoever opens it. */
function forwarding(): Step[] {
  const file = ref('forwarding')
  return [
    open('/proc/sys/net/ipv4/ip_forward', ['wronly'], { keep: file.ref }),
    write(file, '1', { why: 'what is for others is passed on: that is a router' }),
    close(file),
  ]
}

/** As Docker makes them of addresses: the same host has the same one each time. */
function macOf(address: string): string {
  return ['02', '42', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')
}
