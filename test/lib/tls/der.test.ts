import { describe, expect, test } from 'vitest'
import { bits, boolean, explicit, flags, implicit, integer, octets, oid, sequence, set, time, utf8 } from '../../../lib/tls/der.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('DER', () => {
  test.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [256, '02020100'],
    [0xffffff, '020400ffffff'],
  ])('integer %i is positive, and as short as can be', (number, expected) => {
    expect(hex(integer(number))).toBe(expected)
    expect(hex(integer(Buffer.from(`0000${expected.slice(4)}`, 'hex')))).toBe(expected)
  })

  test.each([
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65536, '0483010000'],
  ])('a length of %i is in as many bytes as it takes', (length, expected) => {
    const encoded = octets(Buffer.alloc(length))
    expect(hex(encoded.subarray(0, encoded.length - length))).toBe(expected)
  })

  // X.690, 8.19.5 has the second of these as its example.
  test.each([
    ['2.5.4.3', '0603550403'],
    ['2.999.3', '0603883703'],
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
  ])('identifier %s', (dotted, expected) => expect(hex(oid(dotted))).toBe(expected))

  test('times have two digits of the year until 2049, and four from 2050 on', () => {
    expect(time(new Date('2026-11-26T20:23:50.999Z')).toString('latin1')).toBe('\x17\x0d261126202350Z')
    expect(time(new Date('2049-12-31T23:59:59Z')).toString('latin1')).toBe('\x17\x0d491231235959Z')
    expect(time(new Date('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z')
  })

  test('flags end with the last that is set', () => {
    expect(hex(flags(0))).toBe('03020780')
    expect(hex(flags(5, 6))).toBe('03020106')
    expect(hex(flags(8))).toBe('0303070080')
  })

  test('values within values', () => {
    expect(
      hex(sequence(boolean(true), set(utf8('é')), explicit(3, boolean(false)), implicit(2, Buffer.from('a')), bits(Buffer.from([5])))),
    ).toBe('30150101ff31040c02c3a9a30301010082016103020005')
  })
})
