import { describe, expect, it } from 'vitest'
import { broadcastOf, formatIp, formatMac, formatPrefix, parseIp, parseMac, parsePrefix } from '../../../lib/kernel/ip.js'

describe('internet addresses', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['255.254.1.0', 'fffe0100'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::1', 'fe800000000000000000000000000001'],
    ['fd00:1:2:3:4:5:6:7', 'fd000001000200030004000500060007'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:db8:0:1::', '20010db8000000010000000000000000'],
    ['1:0:0:2::3', '00010000000000020000000000000003'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
  ])('%s', (text, hex) => {
    expect(Buffer.from(parseIp(text).bytes).toString('hex')).toBe(hex)
    expect(formatIp(Buffer.from(hex, 'hex'))).toBe(text)
  })

  it.each([
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['FD00::00AB', 'fd00::ab'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['0:0:0:0:0:0:0:0', '::'],
  ])('%s is written as %s', (text, usual) => expect(formatIp(parseIp(text).bytes)).toBe(usual))

  it('agrees with the URL parser about any address', () => {
    let state = 7
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: 16 }, () => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0
        return (state >>> 16) & 1 ? 0 : (state >>> 20) & 0xff
      })
      const text = formatIp(bytes)
      expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`)
      expect(parseIp(text).bytes).toEqual(bytes)
    }
  })

  it('makes networks and their broadcast addresses', () => {
    expect(formatPrefix(parsePrefix('10.1.2.3/24'))).toBe('10.1.2.3/24')
    expect(formatPrefix(parsePrefix('fd00::1'))).toBe('fd00::1/128')
    const broadcasts = ['10.1.2.3/0', '10.1.2.3/7', '10.1.2.3/20', '10.1.2.3/31', '10.1.2.3/32'].map((text) =>
      formatIp(broadcastOf(parsePrefix(text))),
    )
    expect(broadcasts).toEqual(['255.255.255.255', '11.255.255.255', '10.1.15.255', '10.1.2.3', '10.1.2.3'])
  })

  it.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', 'x', '1::2::3', '10.0.0.1/8'])('refuses %j', (text) =>
    expect(() => parseIp(text)).toThrow('no internet address'),
  )

  it('reads hardware addresses', () => {
    expect(formatMac(parseMac('02:42:AC:11:00:02'))).toBe('02:42:ac:11:00:02')
    for (const text of ['', '02:42', '02:42:ac:11:00:0g', '02-42-ac-11-00-02', '02:42:ac:11:00:02:03'])
      expect(() => parseMac(text)).toThrow()
  })
})
