/** The exercises of lesson 9. What each asks for stands with its hints; the checks look at the two hosts for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { checkBoth } from './checks/both.js'
import { checkDoors, doorsSetting } from './checks/doors.js'
import { checkErrand, errandSetting } from './checks/errand.js'
import { checkVerify, verifySetting } from './checks/verify.js'
import { TwoHosts } from './ground.js'

const onVm1 = () => TwoHosts.open('vm-1')
const onVm2 = () => TwoHosts.open('vm-2')

export const exercises: readonly Exercise[] = [
  {
    id: 'doors',
    title: 'Which doors are open?',
    goal:
      'On vm-1 several programs listen, and some connections stand. You get what `/proc/net/tcp` says there, as the text `table`, and have to find out from it at which ports somebody on _vm-2_ would be let in. For each of them make a directory in `log` that has ' +
      'the port for its name, as people write it, and no other. (The tutor will knock at every port from vm-2.) Your steps are made on vm-1.',
    needs: ['links'],
    ground: onVm1,
    challenge: (random: Random) => ({ log: `/run/${random.name()}` }),
    setting: doorsSetting,
    check: checkDoors,
    hints: [
      'The first line is a heading. The second column is the host’s own address and port, the fourth the state: `0A` is LISTEN, `01` a connection that stands.',
      'The port is behind the colon, in hexadecimal, the highest digit first: `Number.parseInt(text, 16)`.',
      'The address is in front of the colon: four bytes, the last of the four first. `0100007F` is 127.0.0.1: who listens there hears vm-1 alone. `00000000` is every address that vm-1 has.',
    ],
  },
  {
    id: 'both',
    title: 'One server, two ways in',
    goal:
      'A server on vm-1 with two ways in: a unix socket at `path`, and the port `port` of the address `address`, of _that address_ and no other. One caller comes to each: somebody from vm-1 to the socket, and somebody from vm-2 to the port, in any order. Both ' +
      'ask in HTTP, and both get the same answer: the status 200 and the body `text`.',
    needs: ['links'],
    ground: onVm1,
    challenge: (random: Random) => ({
      path: `/run/${random.name()}.sock`,
      address: '',
      port: random.integer(2000, 30_000),
      text: random.name(),
    }),
    setting: async (_bottle, _challenge, ground) => ({
      given: { address: (ground as TwoHosts).address('vm-1') },
      close: async () => undefined,
    }),
    check: checkBoth,
    hints: [
      'Two sockets, each with its own bind and its own listen; and both listen before you wait for anybody.',
      '`bind_inet(ref("port"), address, port)`: with `0.0.0.0` instead of the address it would be all addresses, also those that vm-1 will get tomorrow.',
      'A list of steps cannot wait for two at once, and need not: the kernel takes in callers, and keeps what they ask, until you accept. So serve one, and then the other.',
      'As in lesson 8: read before you write, a line `HTTP/1.1 200 OK`, `Content-Length`, an empty line, the body, and `close`.',
    ],
  },
  {
    id: 'errand',
    title: 'Whose file?',
    goal:
      'An engine on vm-1 listens at port 2375, without TLS, and `socket` leads there by way of vm-2. On vm-1 there is a file `file`, which its root alone may read; on vm-2 there is another one of that name. What stands in the file of _vm-1_ is to stand in the file `answer` on vm-2 in the end. Your function may ask the engine; the steps that it returns ' +
      'are made on vm-2. (On vm-1 there is the image `lifeboat`, as in lesson 8.)',
    needs: ['overlay', 'links', USERLAND],
    ground: onVm2,
    challenge: (random: Random) => ({
      directory: `/run/${random.name()}`,
      file: '',
      answer: `/run/${random.name()}`,
    }),
    setting: errandSetting,
    check: checkErrand,
    hints: [
      'A container has a root of its own, in which there is no such file. But a path of the engine’s host can be bound into it: `HostConfig: { Binds: ["/path:/path-inside"] }`.',
      'POST `/containers/create`, POST `/containers/ID/start`, POST `/containers/ID/wait`, and then GET `/containers/ID/logs?stdout=1`. The answer to create has the `Id`.',
      'With `Tty: true` in what is asked of create, the log is what the program printed, and no frames are around it (but lines end in `\\r\\n` then).',
      '`open(answer, ["creat", "wronly"], { mode: 0o644, keep: "file" })`, write, close: that is made on vm-2.',
    ],
  },
  {
    id: 'verify',
    title: 'Which of them is vm-1?',
    goal:
      'You get some `doors`, which are sockets. Behind one of them is the engine of vm-1, with TLS, as you have made it. Behind the others are people who would like to be it: all of them speak TLS, all let in everybody and say yes to everything. `ca`, `cert` and `key` are what a client has that belongs to vm-1. Have the engine of vm-1 make a container ' +
      '`container` of the image `lifeboat` with a label `label` that has the value `secret`. Nobody else may hear a word of it. (It need not run, and nothing is to be done by steps: return an empty list.)',
    needs: ['overlay', 'links', USERLAND],
    ground: onVm1,
    challenge: (random: Random) => ({
      container: random.name(),
      label: `harbour.${random.name()}`,
      secret: random.name(),
    }),
    setting: verifySetting,
    check: checkVerify,
    hints: [
      '`rejectUnauthorized: false` means: talk to anybody. Without it Node hangs up by itself when the certificate is not what it should be, before anything was asked; you get an event `error`.',
      'Whom does Node believe? Those authorities that the whole web believes, unless it is told another one: `ca`.',
      'A certificate is for a name. The socket has none, so say it: `servername: "vm-1"`. Somebody has a certificate of your authority, and is not vm-1.',
      'And the engine wants to know who you are: `cert` and `key`.',
      'An error is good news here: go on to the next door. All but one of them will give you one.',
    ],
  },
]
