import { describe, expect, it } from 'vitest'
import { decodeEndpoint, encodeEndpoint, showEndpoint } from '../../../lib/kernel/endpoint.js'
import { checksum, decodeIcmp, echoRequest } from '../../../lib/kernel/icmp.js'

/** An IPv4 header without options before a message. */
function packet(message: Buffer, { protocol = 1, words = 5 } = {}): Buffer {
  const header = Buffer.alloc(words * 4)
  header[0] = 0x40 | words
  header[8] = 63
  header[9] = protocol
  header.set([10, 5, 0, 2], 12)
  header.set([203, 0, 113, 80], 16)
  return Buffer.concat([header, message])
}

describe('an echo request', () => {
  it('has a checksum that makes the whole come to nothing', () => {
    for (const payload of ['', 'odd', 'even', 'é']) expect(checksum(echoRequest(0x1234, 7, payload))).toBe(0)
    // RFC 1071, section 3: the example's sum is ddf2.
    expect(checksum(Buffer.from('0001f203f4f5f6f7', 'hex'))).toBe(0xffff & ~0xddf2)
  })

  it('is read again from the packet that carried it', () => {
    expect(decodeIcmp(packet(echoRequest(0x1_2345, 0x1_0007, 'x')))).toEqual({
      from: '10.5.0.2',
      to: '203.0.113.80',
      ttl: 63,
      type: 'echo',
      identifier: 0x2345,
      sequence: 7,
      payload: Buffer.from('x'),
    })
    expect(decodeIcmp(packet(echoRequest(1, 2), { words: 6 }))?.sequence).toBe(2)
  })

  it('is not seen in what is none', () => {
    const request = echoRequest(1, 1)
    for (const other of [
      Buffer.alloc(0),
      request,
      packet(request, { protocol: 17 }),
      packet(request).subarray(0, 24),
      packet(request).fill(0x44, 0, 1),
    ])
      expect(decodeIcmp(other)).toBeUndefined()
  })
})

describe('an endpoint', () => {
  it('is encoded as sockets take it', () => {
    expect(encodeEndpoint({ address: '10.0.0.1', port: 80 }).toString('hex')).toBe('020000500a0000010000000000000000')
    for (const port of [-1, 65536, 1.5]) expect(() => encodeEndpoint({ address: '10.0.0.1', port })).toThrow('cannot be a port')
  })

  it('is read again, and shown', () => {
    for (const [address, port, shown] of [
      ['10.0.0.1', 80, '10.0.0.1:80'],
      ['10.0.0.1', 0, '10.0.0.1'],
      ['fd00::1', 53, '[fd00::1]:53'],
    ] as const) {
      const found = decodeEndpoint(encodeEndpoint({ address, port }))
      expect(found).toEqual({ address, port })
      expect(found && showEndpoint(found)).toBe(shown)
    }
    expect(decodeEndpoint(Buffer.alloc(28))).toBeUndefined()
    expect(decodeEndpoint(Buffer.alloc(0))).toBeUndefined()
  })
})
