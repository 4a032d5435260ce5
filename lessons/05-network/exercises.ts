/** The exercises of lesson 5. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that, and sends packets. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { findCommand } from '../../lib/tutor/packages.js'
import { checkBridge, checkCable, checkGateway, checkPublish } from './checks.js'

/** A network that nobody can have written down: the first three numbers of its addresses. */
const network = (random: Random) => `10.${random.integer(1, 250)}.${random.integer(1, 250)}`

export const exercises: readonly Exercise[] = [
  {
    id: 'cable',
    title: 'A cable into the room',
    goal:
      'Make a process with a network of its own, and a cable between it and the host (the bottle). The host’s end is called `outside` and has the address `gateway`; ' +
      'the other end is in the process’s network, is called `inside` and has the address `address`. Both addresses are of networks of 24 bits (`/24`), and both ends are on. ' +
      'The process must still be there when your last step is done.',
    needs: ['links'],
    challenge(random) {
      const first = network(random)
      return {
        outside: random.name(),
        inside: random.pick(['eth0', 'net0', 'port0', 'uplink']),
        gateway: `${first}.1`,
        address: `${first}.2`,
      }
    },
    check: checkCable,
    hints: [
      'Two lines to the kernel are needed, one for each network: `rtnetlink_socket({ keep: "host.net" })` before `clone`, and another after it. A socket belongs to the network of whoever made it.',
      'The cable lies wholly on the host, or nowhere. `veth_add(ref("host.net"), { name, peer: { name, netns: { pid: child } } })` makes the other end in the child’s network; it is the host’s request, so `host(…)`.',
      '`address_add` takes a device by its number, and a number can be chosen when the cable is made: `index` for each end. The address is written with its bits, `10.0.0.1/24`.',
      'One end is off, or its other end is. `link_up` is needed twice, on two different lines.',
      'The host: `veth_add` with `index: 10` and, for the peer, `index: 20`; `address_add` to device 10; `link_up`. The child: a line of its own, `address_add` to device 20, `link_up`.',
    ],
  },
  {
    id: 'bridge',
    title: 'Two rooms at one switch',
    goal:
      'Two containers run already. Each has a cable, whose other end is on the host: `left` and `right`, both switched off. Make a bridge `name`, plug both into it, and switch on what has to be on, so ' +
      'that the containers reach each other. They have addresses of one network, and their own ends are on.',
    needs: ['links'],
    challenge: (random) => ({ name: random.name(), left: random.name(), right: random.name(), network: `${network(random)}.0/24` }),
    check: checkBridge,
    hints: [
      'Everything is the host’s: one `rtnetlink_socket({ keep: "net" })`, no `clone`.',
      '`bridge_add(ref("net"), { name, index: 100 })` makes the bridge. Its number is what the others are told.',
      'An end becomes a port of the bridge by `link_set(ref("net"), left, { master: 100 })`.',
      'Three things have a switch: the two ends on the host, and the bridge itself.',
      '`bridge_add` with `up: true`, and for both ends `link_set` with `{ master: 100, up: true }`.',
    ],
  },
  {
    id: 'gateway',
    title: 'The way out',
    goal:
      'A container runs already; its network namespace is mounted on the file `door`. It has a cable to the host, who is `gateway` there. Somewhere behind the host is a machine `far`, which knows ' +
      'the way back. Make it so that the container reaches it. (No rule of nft is needed.)',
    needs: ['links'],
    challenge(random) {
      const first = network(random)
      return { door: `/run/${random.name()}`, gateway: `${first}.1`, address: `${first}.2`, far: `198.51.100.${random.integer(2, 254)}` }
    },
    check: checkGateway,
    hints: [
      'Two things are missing, in two places: one in the container’s network, one on the host.',
      'The container has no route to `far`. Who adds it must be in its network: `open` the door, `clone`, and the child enters with `setns(ref("door"), ["net"])`. A line to the kernel that is made after that speaks of that network.',
      'The packet arrives at the host and is thrown away there: look at the file `/proc/sys/net/ipv4/ip_forward`. It is the one of whoever opens it, so it should be the host.',
      'The host: `open`, `write` of `1`, `close`. The child, in the container’s network: `route_add(ref("net"), { to: "default", via: gateway })`.',
    ],
  },
  {
    id: 'publish',
    title: 'A way in',
    goal:
      'In a container, which has the address `address`, a server listens on port `inner`. Visitors come to the host’s address `host`, port `port`, and should get to the server. The host ' +
      'forwards already. `nft` is the full path of the program nft.',
    needs: ['links', 'nat'],
    challenge(random) {
      return {
        nft: findCommand('nft') ?? '/usr/sbin/nft',
        host: `198.51.100.${random.integer(2, 254)}`,
        port: random.integer(2000, 9999),
        address: `${network(random)}.2`,
        inner: random.integer(100, 999),
      }
    },
    check: checkPublish,
    hints: [
      'nft is a program like any other: `clone()`, and the child executes it, `execve(nft, ["nft", "…"])`. Several commands fit into one argument, with `;` between them.',
      'nft did not like what it read. The scene before shows three commands that it likes: a table, a chain in it, a rule in that.',
      'Nothing has changed for visitors. The chain must be of `type nat`, at the hook where packets come in (`prerouting`): before their route is chosen.',
      'They are sent somewhere, but not to the server. Are address and port of `dnat to ADDRESS:PORT` those of the container?',
      '`add table ip t; add chain ip t in { type nat hook prerouting priority -100; }; add rule ip t in ip daddr HOST tcp dport PORT dnat to ADDRESS:INNER`',
    ],
  },
]
