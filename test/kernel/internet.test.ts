/** Internet sockets as steps: packets and connections within a bottle, and what is learnt from them. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { read, write } from '../../lib/kernel/calls/files.js'
import {
  accept4,
  bind_inet,
  connect_inet,
  icmp_socket,
  recvfrom,
  SENDER_BUFFER,
  sendto,
  setsockopt_icmp_filter,
  setsockopt_rcvtimeo,
  setsockopt_sndtimeo,
} from '../../lib/kernel/calls/internet.js'
import { clone3 } from '../../lib/kernel/calls/process.js'
import { listen, rtnetlink_socket, socket } from '../../lib/kernel/calls/sockets.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { decodeEndpoint } from '../../lib/kernel/endpoint.js'
import { decodeIcmp, echoRequest } from '../../lib/kernel/icmp.js'
import { decodeForwarding } from '../../lib/kernel/netlink/decode.js'
import { answerOf, bridge_add, forwarding_dump, link_up, veth_add } from '../../lib/kernel/netlink/steps.js'
import { type Result, textOf } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { ref } from '../../lib/kernel/step.js'
import { requires } from '../support/requires.js'

const needsBottle = requires('user-namespaces')
const errno = (result: Result | undefined) => errnoOf(result?.errno ?? 0).name

describe('in a bottle', () => {
  let bottle: Bottle
  let shim: Shim
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'internet' })
    shim = await bottle.shim()
  })
  afterAll(() => bottle.close())

  needsBottle('a raw socket gets the replies that it asked for, and waits no longer than it was told', async () => {
    const ping = ref('ping')
    const results = await shim.attempt([
      icmp_socket({ keep: 'ping' }),
      setsockopt_icmp_filter(ping, ['echo_reply']),
      setsockopt_rcvtimeo(ping, 50),
      sendto(ping, echoRequest(77, 1, 'hello'), '127.0.0.1'),
      recvfrom(ping, 1500),
      recvfrom(ping, 1500, { allow: ['EAGAIN'] }),
      sendto(ping, echoRequest(77, 2), '203.0.113.1', 0, { allow: ['ENETUNREACH'] }),
    ])
    const [, , , sent, received, nothing, unsent] = results
    expect(sent?.ret).toBe(13n)
    expect(decodeIcmp(received?.outs[0]?.subarray(0, Number(received.ret)) as Buffer)).toMatchObject({
      type: 'echo_reply',
      identifier: 77,
      sequence: 1,
      payload: Buffer.from('hello'),
    })
    expect(decodeEndpoint(received?.outs[SENDER_BUFFER.recvfrom] as Buffer)).toEqual({ address: '127.0.0.1', port: 0 })
    expect(errno(nothing)).toBe('EAGAIN')
    expect(nothing?.nanoseconds).toBeGreaterThanOrEqual(49e6)
    expect(errno(unsent)).toBe('ENETUNREACH')
  })

  needsBottle('a datagram and a connection arrive, with who has sent them', async () => {
    const [server, call, taken] = [ref('server'), ref('call'), ref('taken')]
    const results = await shim.attempt([
      socket('inet', 'dgram', 0, { keep: 'datagrams' }),
      bind_inet(ref('datagrams'), '127.0.0.1', 5300),
      sendto(ref('datagrams'), 'to myself', '127.0.0.1', 5300),
      recvfrom(ref('datagrams'), 100),
      socket('inet', 'stream', 0, { keep: 'server' }),
      bind_inet(server, '0.0.0.0', 8080),
      listen(server, 1),
      socket('inet', 'stream', 0, { keep: 'call' }),
      setsockopt_sndtimeo(call, 1000),
      connect_inet(call, '127.0.0.1', 8080),
      write(call, 'ahoy'),
      accept4(server, { keep: 'taken' }),
      read(taken, 100),
      socket('inet', 'stream', 0, { keep: 'other' }),
      connect_inet(ref('other'), '127.0.0.1', 9, { allow: ['ECONNREFUSED'] }),
    ])
    const at = (call: string) => results.filter(({ step }) => step.call === call)
    const datagram = at('recvfrom')[0] as Result
    expect(textOf(datagram)).toBe('to myself')
    expect(decodeEndpoint(datagram.outs[SENDER_BUFFER.recvfrom] as Buffer)).toEqual({ address: '127.0.0.1', port: 5300 })
    expect(decodeEndpoint(at('accept4')[0]?.outs[SENDER_BUFFER.accept4] as Buffer)).toMatchObject({ address: '127.0.0.1' })
    expect(textOf(at('read')[0] as Result)).toBe('ahoy')
    expect(errno(results.at(-1))).toBe('ECONNREFUSED')
  })

  needsBottle('a bridge tells the hardware addresses of its ports', async () => {
    const box = await bottle.shim()
    const net = ref('net')
    const results = await box.run([
      clone3(['net']),
      rtnetlink_socket({ keep: 'net' }),
      bridge_add(net, { name: 'br0', index: 100, up: true }),
      veth_add(net, { name: 'port', index: 101, mac: '02:00:00:00:00:01', master: 100, up: true, peer: { name: 'end', index: 102 } }),
      link_up(net, 'end'),
      forwarding_dump(net),
    ])
    const own = decodeForwarding(answerOf(results.at(-1) as Result)).filter(({ bridge }) => bridge === 100)
    expect(own).toContainEqual({ mac: '02:00:00:00:00:01', port: 101, bridge: 100, own: true })
  })
})
