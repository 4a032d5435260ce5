/**
 * Each request against iproute2: the `ip` command that a message says it is must send a message that means the same. `ip` runs under
 * strace in namespaces of its own.
 */
import { execa } from 'execa'
import { describe, expect } from 'vitest'
import type { NetlinkMessage } from '../../lib/kernel/calls/sockets.js'
import { constant } from '../../lib/kernel/constants.js'
import { addressAdd, addressDelete } from '../../lib/kernel/netlink/address.js'
import { bridgeAdd, linkDelete, linkSet, vethAdd } from '../../lib/kernel/netlink/link.js'
import { ipCommand } from '../../lib/kernel/netlink/message.js'
import { routeAdd, routeDelete, routeReplace } from '../../lib/kernel/netlink/route.js'
import { meaningOf } from '../support/netlink-meaning.js'
import { requires } from '../support/requires.js'

/** What each command finds: a cable with addresses on both ends, and a bridge. */
const SCENE = [
  'ip link set lo up',
  'ip link add va index 20 type veth peer name vb index 21',
  'ip link add br0 index 10 type bridge',
  'ip link set va up',
  'ip link set vb up',
  'ip link set br0 up',
  'ip address add 10.9.0.2/24 dev va',
  'ip address add fd00:9::2/64 dev va nodad',
].join(' && ')

const va = { index: 20, name: 'va' }
const br0 = { index: 10, name: 'br0' }

const MESSAGES: Record<string, NetlinkMessage[]> = {
  links: [
    linkSet(1, { up: true }),
    linkSet(va, { up: false }),
    linkSet(va, { mtu: 1400, mac: '02:42:ac:11:00:02', txqlen: 50 }),
    linkSet(va, { alias: 'a cable' }),
    linkSet(va, { master: br0 }),
    linkSet(va, { master: null, up: true }),
    linkSet(va, { name: 'eth7' }),
    linkSet(va, { netns: { pid: 1 } }),
    linkDelete(va),
    bridgeAdd({ name: 'br1' }),
    bridgeAdd({
      name: 'br1',
      index: 30,
      mac: '02:42:00:00:00:01',
      stp: true,
      forwardDelay: 4,
      ageingTime: 100,
      vlanFiltering: true,
      multicastSnooping: false,
    }),
    vethAdd({ name: 'v0', peer: { name: 'eth0' } }),
    vethAdd({ name: 'v0', up: true, peer: { name: 'eth0', netns: { pid: 1 } } }),
    vethAdd({
      name: 'v0',
      index: 40,
      mac: '02:42:ac:11:00:04',
      mtu: 1400,
      master: br0,
      peer: { name: 'eth0', index: 41, mac: '02:42:ac:11:00:05', mtu: 1400, netns: { pid: 1 } },
    }),
    vethAdd({ name: 'v0', netns: { pid: 1 }, peer: { name: 'eth0' } }),
  ],
  addresses: [
    addressAdd(va, '10.0.0.2/24'),
    addressAdd(va, '10.0.0.2/24', { broadcast: 'auto', label: 'va:1' }),
    addressAdd(20, '10.0.0.2/24', { broadcast: '10.0.0.254', noprefixroute: true }),
    addressAdd(1, '127.0.0.2/8'),
    addressAdd(va, '169.254.1.1/16', { scope: 'link' }),
    addressAdd(va, '10.0.0.2', { peer: '10.0.0.3' }),
    addressAdd(va, 'fd00::2/64', { nodad: true }),
    addressAdd(va, 'fd00::2/64', { nodad: true, noprefixroute: true }),
    addressDelete(va, '10.9.0.2/24'),
    addressDelete(va, 'fd00:9::2/64'),
  ],
  routes: [
    routeAdd({ to: 'default', via: '10.9.0.1' }),
    routeAdd({ to: 'default', via: '10.9.0.1', dev: va, metric: 5, src: '10.9.0.2' }),
    routeAdd({ to: '10.20.0.0/16', dev: va }),
    routeAdd({ to: '10.20.0.1/32', via: '10.9.0.1', protocol: 'static' }),
    routeAdd({ to: '10.20.0.0/16', via: '10.9.0.7', dev: va, table: 100 }),
    routeAdd({ to: '10.20.0.0/16', via: '10.9.0.7', dev: va, table: 70000 }),
    routeAdd({ to: '192.0.2.0/24', via: '192.0.2.1', dev: va, onlink: true }),
    routeAdd({ to: '10.30.0.0/16', type: 'blackhole' }),
    routeAdd({ to: '10.30.0.0/16', type: 'unreachable', metric: 9 }),
    routeAdd({ to: '10.30.0.0/16', dev: va, scope: 'host' }),
    routeAdd({ to: 'default', via: 'fd00:9::1' }),
    routeAdd({ to: 'fd00:20::/32', dev: va }),
    routeAdd({ to: 'default', dev: va, family: 6 }),
    routeReplace({ to: 'default', via: '10.9.0.3' }),
    routeDelete({ to: '10.9.0.0/24', dev: va }),
    routeDelete({ to: 'fd00:9::/64' }),
  ],
}

/** The request that `ip` sends to change something; questions about devices come before it. */
async function sentBy(command: string): Promise<Buffer> {
  const script = `${SCENE} && exec strace -f -e trace=sendmsg -e signal=none -e write=3 ${command}`
  const { stderr } = await execa('unshare', ['-n', '-p', '-f', '--mount-proc', 'sh', '-c', script], { reject: false })
  const messages: Buffer[] = []
  for (const line of stderr.split('\n')) {
    const dump = /^ \| ([0-9a-f]{5,}) {2}((?:[0-9a-f]{2} {1,2})+)/.exec(line)
    if (!dump) continue
    const bytes = Buffer.from((dump[2] as string).replaceAll(' ', ''), 'hex')
    if (Number.parseInt(dump[1] as string, 16) === 0) messages.push(bytes)
    else messages.push(Buffer.concat([messages.pop() as Buffer, bytes]))
  }
  const change = messages.filter((bytes) => bytes.readUInt16LE(6) & constant('nlm', 'ack')).at(-1)
  if (!change) throw new Error(`${command} sent no request: ${stderr}`)
  return change
}

const needsIp = requires('root', 'command:strace', 'command:ip', 'command:unshare')

describe.each(Object.entries(MESSAGES))('%s as `ip` asks for them', (_, messages) => {
  for (const message of messages) {
    needsIp(ipCommand(message), async () => {
      expect(meaningOf(message.bytes)).toEqual(meaningOf(await sentBy(ipCommand(message))))
    })
  }
})
