/** A ping by hand: a socket, a packet out, a packet in. What came of it is what the calls answered. */
import { echoRequest, icmp_socket, recvfrom, ref, type Step, sendto, setsockopt_icmp_filter, setsockopt_rcvtimeo } from '../../lib/index.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import { decodeIcmp } from '../../lib/kernel/icmp.js'
import type { Result } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Actor } from '../../lib/kernel/step.js'
import type { Box } from '../../lib/tutor/lesson.js'

/**
 * So long one waits for an answer, in milliseconds. The packets have a few centimetres of copper to go, and not even that; but a switch
 * that has just been plugged in may lose the first question for a hardware address, which is repeated after a second.
 */
const PATIENCE = 2000

/** Longest packet of an ordinary network. */
const PACKET = 1500

/** Each of the two actors has a socket of his own, in his own network. */
const socketOf = (actor: Actor) => ref(actor === 'host' ? 'host.ping' : 'ping')

/** The socket, ready to be used; `pass`: what shall be read from it. */
export function pingSocket(pass: 'echo_reply' | 'echo' = 'echo_reply', actor: Actor = 'container'): Step[] {
  const socket = socketOf(actor)
  const steps = [
    icmp_socket({ keep: socket.ref, why: 'a socket for the internet’s messages about itself; root has CAP_NET_RAW, which it takes' }),
    setsockopt_icmp_filter(socket, [pass], {
      why:
        pass === 'echo' ? 'the requests that come in, and nothing else' : 'it would get a copy of every such message; the replies will do',
    }),
    setsockopt_rcvtimeo(socket, PATIENCE, { why: 'no answer is an answer, but only for somebody who stops waiting' }),
  ]
  return steps.map((step) => ({ ...step, actor }))
}

/** The next echo request that comes in: for the one who gets it. */
export const seen = (why: string): Step => recvfrom(socketOf('container'), PACKET, { why })

/** By which the replies to these requests are told from those to somebody else’s. */
const IDENTIFIER = process.pid & 0xffff

let sequence = 0

/** What a kernel may answer that does not send. */
const UNSENT = ['ENETUNREACH', 'EHOSTUNREACH', 'EPERM'] as const

function request(actor: Actor, address: string, why?: string): Step {
  const said = { shown: `{echo request ${++sequence}}`, allow: UNSENT, ...(why !== undefined && { why }) }
  return { ...sendto(socketOf(actor), echoRequest(IDENTIFIER, sequence), address, 0, said), actor }
}

const answer = (actor: Actor, why?: string): Step => ({
  ...recvfrom(socketOf(actor), PACKET, { allow: ['EAGAIN'], ...(why !== undefined && { why }) }),
  actor,
})

/** What came of it; an error's name when the kernel refused to send. */
export type Outcome = 'reply' | 'silence' | (typeof UNSENT)[number]

export interface Asking {
  /** Why the packet is sent, and why one waits. */
  readonly send?: string
  readonly receive?: string
  readonly actor?: Actor
}

/** One echo request, and the wait for its reply, call by call. */
export async function ping(box: Box, address: string, { send, receive, actor = 'container' }: Asking = {}): Promise<Outcome> {
  return outcome(actor, address, send, async (step, first) => {
    const [result] = await box.step(step.call === 'recvfrom' && first ? { ...step, ...(receive !== undefined && { why: receive }) } : step)
    return result
  })
}

/** The same where the scene knows what must come of it. */
export async function pings(box: Box, address: string, wanted: Outcome, asking?: Asking): Promise<void> {
  const got = await ping(box, address, asking)
  if (got !== wanted) throw new DrydockError(`the lesson expects ${wanted} from ${address} here, and got ${got}`)
}

/** The same without a stage, by a shim's child or by the shim itself; the socket must be there. For checks, and for measuring. */
export function probe(shim: Shim, address: string, actor: Actor = 'container'): Promise<Outcome> {
  return outcome(actor, address, undefined, async (step) => (await shim.attempt([step]))[0])
}

async function outcome(
  actor: Actor,
  address: string,
  why: string | undefined,
  make: (step: Step, first: boolean) => Promise<Result | undefined>,
): Promise<Outcome> {
  const sent = await make(request(actor, address, why), true)
  if (sent === undefined || sent.status === 'not run') throw new DrydockError('the process that should send a packet has ended')
  if (sent.status !== 'ok') return errnoOf(sent.errno).name as Outcome
  const asked = sequence
  for (let first = true; ; first = false) {
    const received = await make(first ? answer(actor) : answer(actor, 'that was the answer to another packet'), first)
    const [buffer] = received?.outs ?? []
    if (received?.status !== 'ok' || !buffer) return 'silence'
    const reply = decodeIcmp(buffer.subarray(0, Number(received.ret)))
    if (reply?.identifier === IDENTIFIER && reply.sequence === asked) return 'reply'
  }
}
