/** The checks of lesson 5's exercises: devices, addresses and routes as the kernel tells them, and packets that get there or do not. */
import type { Bottle } from '../../lib/bottle.js'
import {
  accept4,
  address_add,
  bind_inet,
  child,
  clone3,
  close,
  connect_inet,
  host,
  link_up,
  listen,
  loopbackUp,
  mount,
  open,
  read,
  ref,
  route_add,
  rtnetlink_socket,
  type Step,
  setns,
  setsockopt_rcvtimeo,
  socket,
  text,
  veth_add,
} from '../../lib/index.js'
import { setsockopt_sndtimeo } from '../../lib/kernel/calls/internet.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { readNamespace } from '../../lib/kernel/proc/namespaces.js'
import { readSnmp } from '../../lib/kernel/proc/net.js'
import { textOf } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Trial, TrialBox } from '../../lib/tutor/lesson.js'
import { living } from '../../lib/tutor/living.js'
import { addressesOn, linkNamed, type Network, networkOf, stateOf } from './looks.js'
import { forward } from './net.js'
import { type Outcome, pingSocket, probe } from './ping.js'

/** nft, and a connection within one machine, take a small part of this, on a busy machine too. */
const LONG_ENOUGH = 8000

export async function checkCable(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { outside, inside, gateway, address } = trial.challenge as Record<'outside' | 'inside' | 'gateway' | 'address', string>
  const pid = await networked(trial, await trial.run())
  if (pid === undefined) return
  const [near, far] = [await networkOf(bottle, 1), await networkOf(bottle, pid)]
  const [one, other] = [linkNamed(near, outside), linkNamed(far, inside)]
  trial.expect(one !== undefined, `the host has no device ${outside}; it has ${namesOf(near)}`, 2)
  trial.expect(other !== undefined, `the process’s network has no device ${inside}; it has ${namesOf(far)}`, 2)
  if (!one || !other) return
  const joined = one.kind === 'veth' && other.kind === 'veth' && one.link === other.index && other.link === one.index
  trial.expect(
    joined && one.linkNetnsid !== undefined,
    `${outside} and ${inside} are not the two ends of one cable between two networks`,
    2,
  )
  for (const [network, link, wanted, who] of [
    [near, one, gateway, outside],
    [far, other, address, inside],
  ] as const) {
    const has = addressesOn(network, link.index)
    trial.expect(
      has.includes(`${wanted}/24`),
      `${who} has ${has.length > 0 ? `the address ${has.join(' ')}` : 'no address'}, not ${wanted}/24`,
      3,
    )
    trial.expect(stateOf(link) === 'on', `${who} is ${stateOf(link)}`, 4)
  }
  trial.expect((await asks(bottle, pid, gateway)) === 'reply', `the process gets no reply from ${gateway}`, 4)
}

export async function checkBridge(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { name, left, right, network } = trial.challenge as Record<'name' | 'left' | 'right' | 'network', string>
  const addresses = [2, 3].map((last) => network.replace(/0\/24$/, String(last)))
  const one = await container(bottle, { outside: left, index: 501, address: addresses[0] as string })
  await container(bottle, { outside: right, index: 502, address: addresses[1] as string })
  // A program may be at work yet that the steps have begun.
  await (await trial.run()).settle()
  const own = await networkOf(bottle, 1)
  const bridge = linkNamed(own, name)
  trial.expect(bridge !== undefined, `the host has no device ${name}; it has ${namesOf(own)}`, 2)
  if (!bridge) return
  trial.expect(bridge.kind === 'bridge', `${name} is no bridge`, 2)
  for (const end of [left, right]) {
    const link = linkNamed(own, end)
    trial.expect(link !== undefined, `the host has lost its device ${end}`)
    if (!link) continue
    trial.expect(link.master === bridge.index, `${end} is not plugged into ${name}`, 3)
    trial.expect(link.flags.includes('up'), `${end} is off`, 4)
  }
  trial.expect(bridge.flags.includes('up'), `the bridge ${name} is off`, 4)
  const outcome = await asks(bottle, one.childPid as number, addresses[1] as string)
  trial.expect(outcome === 'reply', `${addresses[0]} asks ${addresses[1]}, and gets ${inWords(outcome)}`, 4)
}

export async function checkGateway(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { door, gateway, address, far } = trial.challenge as Record<'door' | 'gateway' | 'address' | 'far', string>
  const one = await container(bottle, { outside: 'inner', index: 501, address, gateway })
  await elsewhere(bottle, far, gateway)
  await one.run([
    ...forward(false),
    ...host([
      open(door, ['creat', 'wronly'], { keep: 'door', mode: 0o444 }),
      close(ref('door')),
      mount(text`/proc/${child}/ns/net`, door, null, ['bind']),
    ]),
  ])
  await trial.run()
  const pid = one.childPid as number
  const { routes } = await networkOf(bottle, pid)
  const leads = routes.some(({ to, via }) => to !== LINK_ROUTE(address) && via === gateway)
  trial.expect(leads, `the container has no route by way of ${gateway}`, 2)
  const switched = await readSwitch(bottle)
  trial.expect(switched === '1', `the host’s ip_forward is ${switched}`, 3)
  const outcome = await asks(bottle, pid, far)
  trial.expect(outcome === 'reply', `the container asks ${far}, and gets ${inWords(outcome)}`, leads ? 3 : 2)
}

export async function checkPublish(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { host: own, address } = trial.challenge as Record<'host' | 'address', string>
  const { port, inner } = trial.challenge as Record<'port' | 'inner', number>
  const server = ref('server')
  const one = await container(bottle, { outside: 'inner', index: 501, address, gateway: address.replace(/2$/, '1'), route: true })
  await one.run([
    socket('inet', 'stream', 0, { keep: server.ref }),
    bind_inet(server, '0.0.0.0', inner),
    listen(server, 8),
    setsockopt_rcvtimeo(server, LONG_ENOUGH),
    ...forward(true),
  ])
  const visitor = await elsewhere(bottle, visitorOf(own), undefined, own)
  const box = await trial.run()
  const exit = await box.exitWithin(LONG_ENOUGH)
  const said = box.output().trim().split('\n')[0] ?? ''
  trial.expect(box.hostPid !== undefined || exit !== undefined, 'no step of yours makes a process, so nft was not run', 1)
  trial.expect(exit === undefined || exit.code === 0, `nft exited with ${exit?.code}${said && `: ${said}`}`, 2)

  const before = segmentsIn(bottle, one)
  const call = ref('call')
  const results = await visitor.attempt([
    socket('inet', 'stream', 0, { keep: call.ref }),
    setsockopt_sndtimeo(call, LONG_ENOUGH),
    connect_inet(call, own, port, { allow: ['ECONNREFUSED', 'EINPROGRESS', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'] }),
  ])
  const connected = results.at(-1)
  const refused = connected?.status === 'ok' ? undefined : errnoOf(connected?.errno ?? 0).name
  const reached = segmentsIn(bottle, one) > before
  const answer = refused === 'EINPROGRESS' ? 'no answer' : `the answer ${refused}${reached ? ', refused by the container itself' : ''}`
  const untouched = refused === 'ECONNREFUSED' && !reached
  trial.expect(refused === undefined, `a visitor who connects to ${own}:${port} gets ${answer}`, untouched ? 3 : 4)
  if (refused !== undefined) return
  const [taken] = await one.attempt([accept4(server, { keep: 'visitor', allow: ['EAGAIN'] })])
  trial.expect(taken?.status === 'ok', `the visitor was connected, but not with the server at ${address}:${inner}`, 4)
}

/** Pieces of connections that have come to a container. */
function segmentsIn(bottle: Bottle, { childPid }: Shim): number {
  const pid = childPid === undefined ? undefined : bottle.hostPid(childPid)
  return (pid === undefined ? undefined : readSnmp(pid)?.Tcp?.InSegs) ?? 0
}

/** The route that came with an address: not the learner's doing. */
const LINK_ROUTE = (address: string) => address.replace(/\d+$/, '0/24')

const visitorOf = (own: string) => own.replace(/\d+$/, (last) => String(last === '254' ? 2 : Number(last) + 1))

interface ContainerSpec {
  /** Name and number of the host's end. */
  readonly outside: string
  readonly index: number
  readonly address: string
  /** The host's address at the cable, which is switched on then. */
  readonly gateway?: string
  /** A default route by way of it. */
  readonly route?: boolean
}

/** A container as engines leave it, at a cable of its own: a child of a shim, which ends with the bottle. */
async function container(bottle: Bottle, { outside, index, address, gateway, route = false }: ContainerSpec): Promise<Shim> {
  const [near, own] = [ref('near'), ref('own')]
  const atHost: Step[] = gateway === undefined ? [] : host([address_add(near, index, `${gateway}/24`), link_up(near, outside)])
  const shim = await bottle.shim()
  await shim.run([
    rtnetlink_socket({ keep: near.ref }),
    clone3(['net']),
    host(veth_add(near, { name: outside, index, peer: { name: 'eth0', index: 20, netns: { pid: child } } })),
    ...atHost,
    ...loopbackUp(),
    rtnetlink_socket({ keep: own.ref }),
    address_add(own, 20, `${address}/24`),
    link_up(own, 'eth0'),
    ...(route && gateway !== undefined ? [route_add(own, { to: 'default', via: gateway })] : []),
  ])
  return shim
}

/** A machine at the host's other cable; with `back`, it knows the way to that network. */
async function elsewhere(bottle: Bottle, address: string, back?: string, own = visitorOf(address)): Promise<Shim> {
  const shim = await container(bottle, { outside: 'outer', index: 600, address, gateway: own })
  if (back !== undefined) await shim.run([route_add(ref('own'), { to: LINK_ROUTE(back), via: own })])
  return shim
}

/** What somebody in the network of this process hears when he asks. */
async function asks(bottle: Bottle, pid: number, address: string): Promise<Outcome> {
  const shim = await bottle.shim()
  try {
    await shim.run(
      host([open(`/proc/${pid}/ns/net`, ['rdonly'], { keep: 'door' }), setns(ref('door'), ['net']), ...pingSocket('echo_reply', 'host')]),
    )
    return await probe(shim, address, 'host')
  } finally {
    await shim.rollback()
  }
}

/** ip_forward of the bottle's own network: the file shows that of whoever opens it. */
async function readSwitch(bottle: Bottle): Promise<string> {
  const shim = await bottle.shim()
  try {
    const results = await shim.run(host([open('/proc/sys/net/ipv4/ip_forward', ['rdonly'], { keep: 'switch' }), read(ref('switch'), 8)]))
    const [, answer] = results
    return answer ? textOf(answer).trim() : ''
  } finally {
    await shim.rollback()
  }
}

const inWords = (outcome: Outcome) => (outcome === 'reply' ? 'a reply' : outcome === 'silence' ? 'no answer' : outcome)

const namesOf = ({ links }: Network) => links.map(({ name }) => name).join(', ') || 'none'

/** The child's number in the bottle, when it is there and has a network of its own. */
async function networked(trial: Trial, box: TrialBox): Promise<number | undefined> {
  const process = await living(trial, box)
  if (process === undefined) return undefined
  const own = readNamespace(process.onMachine, 'net') !== readNamespace(trial.bottle.pid, 'net')
  trial.expect(own, 'the process is in the host’s network: it has none of its own', 1)
  return own ? process.inBottle : undefined
}
