import { describe, expect, it } from 'vitest'
import { constant } from '../../../../lib/kernel/constants.js'
import { DrydockError } from '../../../../lib/kernel/errors.js'
import { addressAdd, addressDump } from '../../../../lib/kernel/netlink/address.js'
import { Attributes, splitMessages } from '../../../../lib/kernel/netlink/attributes.js'
import { decodeAddresses, decodeLinks, decodeNeighbours, decodeRoutes } from '../../../../lib/kernel/netlink/decode.js'
import { bridgeAdd, linkAdd, linkDelete, linkDump, linkGet, linkSet, vethAdd } from '../../../../lib/kernel/netlink/link.js'
import { loopbackUp } from '../../../../lib/kernel/netlink/loopback.js'
import { attribute, ipCommand, message, string, u8, u16, u32 } from '../../../../lib/kernel/netlink/message.js'
import { neighbourDump } from '../../../../lib/kernel/netlink/neighbour.js'
import { routeAdd, routeDump } from '../../../../lib/kernel/netlink/route.js'
import { veth_add } from '../../../../lib/kernel/netlink/steps.js'
import { showStep } from '../../../../lib/kernel/show.js'
import { child, ref } from '../../../../lib/kernel/step.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** The 32-bit number at a patch's offset must be inside of an attribute of this type. */
function typeBefore(bytes: Uint8Array, offset: number): number {
  return Buffer.from(bytes).readUInt16LE(offset - 2)
}

describe('a message', () => {
  it('is a header, a structure and padded attributes', () => {
    const { bytes } = message(
      'newlink',
      ['ack'],
      [Uint8Array.of(1, 2, 3, 4), string(3, 'lo'), u8(9, 7), u16(10, 0x1234), u32(4, 1400)],
      'x',
    )
    expect(hex(bytes.subarray(0, 8))).toBe(['34000000', '1000', '0500'].join(''))
    expect(hex(bytes.subarray(12))).toBe(
      ['00000000', '01020304', '07000300', '6c6f0000', '05000900', '07000000', '06000a00', '34120000', '08000400', '78050000'].join(''),
    )
  })

  it('counts the length of nested attributes with their padding, and its own without', () => {
    const { bytes } = message('newlink', [], [attribute(18, [string(1, 'a'), u8(2, 1)])], 'x')
    expect(hex(bytes.subarray(16))).toBe(['14001200', '06000100', '61000000', '05000200', '01000000'].join(''))
  })

  it('is the same bytes twice, and another request has another sequence number', () => {
    expect(linkSet('lo', { up: true })).toEqual(linkSet('lo', { up: true }))
    const sequence = ({ bytes }: { bytes: Uint8Array }) => splitMessages(bytes)[0]?.sequence
    expect(sequence(linkSet('lo', { up: true }))).not.toBe(sequence(linkSet('lo', { up: false })))
    expect(sequence(linkSet('lo', {}))).not.toBe(sequence(linkDelete('lo')))
  })

  it('leaves room for numbers of earlier steps, at any depth', () => {
    const request = vethAdd({ name: 'v0', netns: { fd: ref('other') }, peer: { name: 'eth0', netns: { pid: child } } })
    expect(request.patches).toHaveLength(2)
    const [first, second] = request.patches as NonNullable<typeof request.patches>
    expect(first).toMatchObject({ width: 4, ref: 'other' })
    expect(typeBefore(request.bytes, first?.offset as number)).toBe(constant('ifla', 'net_ns_fd'))
    expect(second).toMatchObject({ width: 4, ref: 'child' })
    expect(typeBefore(request.bytes, second?.offset as number)).toBe(constant('ifla', 'net_ns_pid'))
    expect(request.shown).toBe('link add v0 netns /proc/self/fd/<other> type veth peer name eth0 netns <child>')
  })

  it('reads as the command in a step', () => {
    const step = veth_add(ref('net'), { name: 'v0', peer: { name: 'eth0', netns: { pid: 1 } } })
    expect(showStep(step)).toBe('netlink(<net>, link add v0 type veth peer name eth0 netns 1)')
    expect(ipCommand(linkGet('lo'))).toBe('ip link show lo')
    expect(loopbackUp().map((one) => one.call)).toEqual(['socket', 'netlink', 'close'])
  })

  it.each([
    ['a name that is too long', () => linkDelete('a'.repeat(16)), /1 to 15 bytes/],
    ['a name of too many bytes', () => linkDelete('ä'.repeat(8)), /1 to 15 bytes/],
    ['no name', () => linkAdd('bridge', { name: '' }), /1 to 15 bytes/],
    ['a name with a slash', () => bridgeAdd({ name: 'a/b' }), /slash/],
    ['a name with a space', () => linkSet('a b', { up: true }), /space/],
    ['a name with a NUL byte', () => linkSet('a\0b', { up: true }), /space/],
    ['dots', () => linkSet('..', { up: true }), /slash/],
    ['renaming by name', () => linkSet('a', { name: 'b' }), /by its index/],
    ['an index only for the peer', () => vethAdd({ name: 'a', peer: { name: 'b', index: 9 } }), /unless its other end/],
    ['an index below zero', () => linkSet(-3, { up: true }), /index/],
    ['half an index', () => addressAdd(1.5, '10.0.0.1/8'), /index/],
    ['no hardware address', () => linkSet('a', { mac: '02:42' }), /hardware address/],
    ['no address', () => addressAdd(1, '10.0.0'), /no internet address/],
    ['a prefix that is too long', () => addressAdd(1, '10.0.0.1/33'), /prefix length/],
    ['a prefix that is a word', () => addressAdd(1, '10.0.0.1/x'), /prefix length/],
    ['two prefixes', () => addressAdd(1, '10.0.0.1/8/8'), /prefix length/],
    ['an address with a zone', () => addressAdd(1, 'fe80::1%lo/64'), /no internet address/],
    ['families that differ', () => addressAdd(1, '10.0.0.1/8', { peer: 'fd00::1' }), /different families/],
    ['an IPv6 broadcast', () => addressAdd(1, 'fd00::1/64', { broadcast: 'auto' }), /no broadcast/],
    ['a route to nowhere', () => routeAdd({ to: 'default' }), /needs a gateway/],
    ['a route to a host in a network', () => routeAdd({ to: '10.0.0.1/8', dev: 1 }), /no network/],
    ['a gateway of another family', () => routeAdd({ to: '10.0.0.0/8', via: 'fd00::1' }), /another family/],
  ])('is refused with a sentence: %s', (_, make, sentence) => {
    expect(make).toThrow(DrydockError)
    expect(make).toThrow(sentence)
  })
})

describe('what comes back', () => {
  it('is decoded to what was asked for', () => {
    // Requests have the form of answers: what is encoded must be what is decoded.
    const [bridge] = decodeLinks(
      bridgeAdd({
        name: 'br0',
        index: 7,
        up: true,
        mtu: 1400,
        mac: '02:42:00:00:00:0a',
        alias: 'x',
        stp: true,
        forwardDelay: 4,
        ageingTime: 300,
      }).bytes,
    )
    expect(bridge).toEqual({
      index: 7,
      name: 'br0',
      flags: ['up'],
      mtu: 1400,
      mac: '02:42:00:00:00:0a',
      kind: 'bridge',
      alias: 'x',
      operstate: 'unknown',
      bridge: { stp: true, forwardDelay: 4, ageingTime: 300, vlanFiltering: false },
    })
    const [address] = decodeAddresses(
      addressAdd(3, '10.1.2.3/20', { broadcast: 'auto', label: 'eth0:1', peer: '10.1.2.4', noprefixroute: true }).bytes,
    )
    expect(address).toEqual({
      family: 4,
      index: 3,
      address: '10.1.2.3',
      prefixLength: 20,
      peer: '10.1.2.4',
      broadcast: '10.1.15.255',
      label: 'eth0:1',
      scope: 'universe',
      flags: ['noprefixroute'],
    })
    const [route] = decodeRoutes(routeAdd({ to: 'fd00:1::/32', via: 'fd00::1', dev: 3, metric: 9, table: 1000, onlink: true }).bytes)
    expect(route).toEqual({
      family: 6,
      to: 'fd00:1::/32',
      via: 'fd00::1',
      dev: 3,
      metric: 9,
      table: 1000,
      protocol: 'boot',
      scope: 'universe',
      type: 'unicast',
      flags: ['onlink'],
    })
  })

  it('may be several messages, of other types too, with zeroes after the last', () => {
    const one = linkAdd('bridge', { name: 'a', index: 2 }).bytes
    const two = addressAdd(1, '10.0.0.1/8').bytes
    const three = linkAdd('bridge', { name: 'b', index: 3 }).bytes
    const buffer = Buffer.concat([one, two, three, Buffer.alloc(100)])
    expect(decodeLinks(buffer).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(decodeAddresses(buffer).map(({ address }) => address)).toEqual(['10.0.0.1'])
    expect(decodeLinks(Buffer.alloc(0))).toEqual([])
  })

  it('knows numbers that it has no word for', () => {
    const { bytes } = routeAdd({ to: '10.0.0.0/8', dev: 1, table: 70000 })
    Buffer.from(bytes.buffer, bytes.byteOffset)[16 + 5] = 199 // the protocol
    expect(decodeRoutes(bytes)[0]).toMatchObject({ table: 70000, protocol: 199 })
  })

  it('is no surprise in another family', () => {
    const dumps = [addressDump(), routeDump(), neighbourDump()].map(({ bytes }) => bytes)
    expect(dumps.map((bytes) => hex(bytes.subarray(6, 8)))).toEqual(['0103', '0103', '0103'])
    expect(hex(linkDump().bytes.subarray(6, 8))).toBe('0103')
    expect(decodeNeighbours(neighbourDump(4).bytes)).toEqual([])
    const bridgeEntry = message('newneigh', [], [Uint8Array.from([7, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])], 'x')
    expect(decodeNeighbours(bridgeEntry.bytes)).toEqual([])
  })

  it('is an error when it lies about its length', () => {
    const { bytes } = linkSet('lo', { up: true })
    for (const length of [8, 15, 1 << 20]) {
      const broken = Buffer.from(bytes)
      broken.writeUInt32LE(length)
      expect(() => splitMessages(broken)).toThrow(DrydockError)
    }
    for (const length of [0, 3, 4000]) {
      const attributes = Buffer.from([8, 0, 1, 0, 1, 2, 3, 4, 0, 0, 2, 0])
      attributes.writeUInt16LE(length, 8)
      expect(() => new Attributes(attributes)).toThrow(DrydockError)
    }
  })

  it('is read whatever it holds: random bytes are decoded or refused, and nothing else happens', () => {
    let state = 42
    const random = () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state >>> 16
    }
    const request = bridgeAdd({ name: 'br0', stp: true }).bytes
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(request)
      for (let change = random() % 6; change >= 0; change--) bytes[random() % bytes.length] = random() & 0xff
      for (const decode of [decodeLinks, decodeAddresses, decodeRoutes, decodeNeighbours]) {
        try {
          decode(bytes.subarray(0, random() % bytes.length))
        } catch (error) {
          expect(error).toBeInstanceOf(DrydockError)
        }
      }
    }
  })
})
