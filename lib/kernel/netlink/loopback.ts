/** The one link that every network namespace is born with: it is down until somebody raises it. */
import { close } from '../calls/files.js'
import { rtnetlink_socket } from '../calls/sockets.js'
import { ref, type Step } from '../step.js'
import { link_up } from './steps.js'

/** In the namespace of the actor: a socket, `ip link set lo up`, and the socket is closed. The kernel adds 127.0.0.1/8 and ::1 by itself. */
export function loopbackUp(): readonly Step[] {
  steps ??= [
    rtnetlink_socket({ keep: 'loopback', why: 'a line to the kernel about the links of this network namespace' }),
    link_up(ref('loopback'), 'lo', { why: 'a new network namespace has a loopback that is down; 127.0.0.1 comes with it' }),
    close(ref('loopback')),
  ]
  return steps
}

/** The same three for everybody: the message is encoded once. */
let steps: readonly Step[] | undefined
