import { createServer } from 'node:net'
import { networkInterfaces, totalmem } from 'node:os'
import { describe, expect, it } from 'vitest'
import { parseIdMap, readIdMaps, toInside, toOutside } from '../../../../lib/kernel/proc/idmap.js'
import { parseLimits, readLimits } from '../../../../lib/kernel/proc/limits.js'
import { parseMeminfo, readMeminfo } from '../../../../lib/kernel/proc/meminfo.js'
import {
  decodeAddress,
  parseArp,
  parseNetDev,
  parseRoutes,
  parseSnmp,
  parseTcp,
  readArp,
  readNetDev,
  readRoutes,
  readSnmp,
  readTcp,
} from '../../../../lib/kernel/proc/net.js'

const NOBODY = 0x3fff_ffff

describe('id maps', () => {
  const map = parseIdMap('         0       1000          1\n         1     100000      65536\n')

  it('are ranges', () => {
    expect(map).toEqual([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ])
    expect(parseIdMap('')).toEqual([])
    expect(parseIdMap('         0          0 4294967295\n')).toEqual([{ inside: 0, outside: 0, count: 4294967295 }])
    for (const wrong of ['0 0\n', '0 0 1 1\n', 'a b c\n', '\n']) expect(() => parseIdMap(wrong)).toThrow('no line of an id map')
  })

  it('map both ways, and not what is outside of them', () => {
    expect([0, 1, 65536, 65537].map((id) => toOutside(map, id))).toEqual([1000, 100000, 165535, undefined])
    expect([1000, 100000, 165535, 165536, 0, 999].map((id) => toInside(map, id))).toEqual([0, 1, 65536, undefined, undefined, undefined])
    for (let id = 0; id < 65537; id += 997) expect(toInside(map, toOutside(map, id) as number)).toBe(id)
  })

  it('of this process are there', () => {
    expect(readIdMaps('self')?.uid.length).toBeGreaterThan(0)
    expect(['allow', 'deny']).toContain(readIdMaps('self')?.setgroups)
    expect(readIdMaps(NOBODY)).toBeUndefined()
  })
})

describe('limits', () => {
  const TEXT = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 1048576              files     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
Max new thing             5                    unlimited            things    
Max address space         18446744073709551614 18446744073709551614 bytes     
`

  it('are read by the words of the calls', () => {
    const limits = parseLimits(TEXT)
    expect(limits.get('cpu')).toEqual({ soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY, unit: 'seconds' })
    expect(limits.get('nofile')).toEqual({ soft: 1024, hard: 1048576, unit: 'files' })
    expect(limits.get('nice')).toEqual({ soft: 0, hard: 0, unit: '' })
    expect(limits.get('rttime')?.unit).toBe('us')
    expect(limits.get('Max new thing')).toEqual({ soft: 5, hard: Number.POSITIVE_INFINITY, unit: 'things' })
    expect(limits.get('as')?.soft).toBeGreaterThan(1e18)
    expect(limits.size).toBe(6)
  })

  it('of this process are the sixteen of Linux', () => {
    const limits = readLimits('self')
    expect([...(limits?.keys() ?? [])].slice(0, 16).every((name) => /^[a-z]+$/.test(name))).toBe(true)
    expect(limits?.size).toBeGreaterThanOrEqual(16)
    expect(readLimits(NOBODY)).toBeUndefined()
  })
})

describe('meminfo', () => {
  it('has values in KiB, and some that are numbers', () => {
    const values = parseMeminfo('MemTotal:       24684084 kB\nActive(anon):      12 kB\nHugePages_Total:       3\nnonsense\n')
    expect([...values]).toEqual([
      ['MemTotal', 24684084],
      ['Active(anon)', 12],
      ['HugePages_Total', 3],
    ])
    expect(readMeminfo().get('MemTotal')).toBe(totalmem() / 1024)
  })
})

describe('the network in /proc', () => {
  it('has devices whose counters may touch the colon', () => {
    const heading = 'Inter-|   Receive  |  Transmit\n face |bytes    packets\n'
    const numbers = '1 2 3 4 5 6 7 8 11 12 13 14 15 16 17 18'
    const counters = {
      received: { bytes: 1, packets: 2, errors: 3, dropped: 4 },
      sent: { bytes: 11, packets: 12, errors: 13, dropped: 14 },
    }
    expect(parseNetDev(`${heading}    lo: ${numbers}\nlongername0:${numbers}\n`)).toEqual([
      { name: 'lo', ...counters },
      { name: 'longername0', ...counters },
    ])
    expect(() => parseNetDev(`${heading}lo 1 2\n`)).toThrow('no line of')
    expect(readNetDev()?.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(networkInterfaces())))
    expect(readNetDev(NOBODY)).toBeUndefined()
  })

  it('has routes', () => {
    const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       
eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0                                                                           
eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0                                                                             
`
    expect(parseRoutes(text)).toEqual([
      { device: 'eth0', destination: '0.0.0.0', prefixLength: 0, gateway: '192.168.2.1', metric: 100 },
      { device: 'eth0', destination: '192.168.2.0', prefixLength: 24, metric: 0 },
    ])
    expect(readRoutes()).toBeDefined()
    expect(readRoutes(NOBODY)).toBeUndefined()
  })

  it.each([
    ['0100007F', '127.0.0.1'],
    ['00000000', '0.0.0.0'],
    ['00000000000000000000000001000000', '::1'],
    ['0000000000000000FFFF00000100007F', '::ffff:127.0.0.1'],
    ['B80D01200000000067452301EFCDAB89', '2001:db8::123:4567:89ab:cdef'],
  ])('writes the address %s', (hex, address) => expect(decodeAddress(hex)).toBe(address))

  it.each(['', '0100007', 'xyzt', '0100007F00'])('does not write %j', (hex) => expect(() => decodeAddress(hex)).toThrow('no address'))

  it('has sockets in every state, also in one that is new', () => {
    const line = (local: string, state: string) =>
      `   0: ${local}:0277 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 4321 1 0000000000000000 100 0 0 10 0`
    const text = ['  sl  local_address rem_address', line('0100007F', '0A'), line('0100007F', '01'), line('0100007F', '1F'), ''].join('\n')
    expect(parseTcp(text)[0]).toEqual({
      family: 4,
      local: { address: '127.0.0.1', port: 631 },
      remote: { address: '0.0.0.0', port: 0 },
      state: 'listen',
      uid: 1000,
      inode: 4321,
    })
    expect(parseTcp(text).map(({ state }) => state)).toEqual(['listen', 'established', '31'])
  })

  const loopbacks = networkInterfaces().lo?.map(({ address }) => address) ?? []
  it.for(['127.0.0.1', '::1'])('shows a server on %s', async (address, { skip }) => {
    if (!loopbacks.includes(address)) skip(`needs the address ${address} on lo`)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    const { port } = server.address() as { port: number }
    const family = address === '::1' ? 6 : 4
    expect(readTcp()).toContainEqual(
      expect.objectContaining({ family, local: { address, port }, state: 'listen', uid: process.geteuid?.(), inode: expect.any(Number) }),
    )
    await new Promise((resolve) => server.close(resolve))
    expect(readTcp()?.some(({ local, state }) => state === 'listen' && local.port === port)).toBe(false)
  })
})

describe('neighbours', () => {
  const TEXT = `IP address       HW type     Flags       HW address            Mask     Device
10.5.0.3         0x1         0x2         02:42:0a:05:00:03     *        eth0
10.5.0.1         0x1         0x0         00:00:00:00:00:00     *        eth0
`

  it('are known when they have answered', () => {
    expect(parseArp(TEXT)).toEqual([
      { address: '10.5.0.3', device: 'eth0', mac: '02:42:0a:05:00:03' },
      { address: '10.5.0.1', device: 'eth0' },
    ])
    expect(() => parseArp('heading\nnothing of the kind\n')).toThrow('no line of /proc/PID/net/arp')
    expect(readArp()).toBeInstanceOf(Array)
  })
})

describe('counters', () => {
  it('are named by the line above them', () => {
    expect(parseSnmp('Ip: Forwarding InReceives\nIp: 2 17\nUdp: NoPorts\nUdp: 3\n')).toEqual({
      Ip: { Forwarding: 2, InReceives: 17 },
      Udp: { NoPorts: 3 },
    })
    expect(() => parseSnmp('Ip: InReceives\nUdp: 1\n')).toThrow('no lines of /proc/PID/net/snmp')
    expect(readSnmp()?.Ip?.InReceives).toBeGreaterThanOrEqual(0)
  })
})
