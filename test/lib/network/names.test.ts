import type { Packet, Question } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { frame, takeFrames } from '../../../lib/network/forward.js'
import { answerLocally, collectNames } from '../../../lib/network/local-names.js'
import { hostNameservers, hostResolvConf, parseResolvConf, reachable, resolvConfFor } from '../../../lib/network/resolv.js'

const lease = (name: string, digit: string, aliases: string[] = []) => ({
  id: digit.repeat(64),
  name,
  hostname: name,
  aliases,
  mac: '',
  device: '',
})

const names = collectNames(
  'net',
  ['172.18.0.0/16', 'fd77::/64'],
  new Map([
    ['172.18.0.2', { ...lease('Web', 'a', ['front']), address6: 'fd77::2' }],
    ['172.18.0.3', { ...lease('api', 'b', ['front']), hostname: 'Hull', links: { store: 'web', gone: 'nobody' } }],
  ]),
)

const ask = (name: string, type: Question['type'] = 'A', asker?: string) => {
  const query: Packet = { type: 'query', id: 7, flags: 0x100, questions: [{ type, name, class: 'IN' }] }
  const answer = answerLocally(query, names, asker)
  return (
    answer && { code: (answer.flags ?? 0) & 15, id: answer.id, data: (answer.answers ?? []).map((one) => (one as { data: unknown }).data) }
  )
}

describe('the names of a network', () => {
  it('are those of its containers, in any case, with and without the network’s', () => {
    expect(ask('WEB')).toEqual({ code: 0, id: 7, data: ['172.18.0.2'] })
    expect(ask('web.net')?.data).toEqual(['172.18.0.2'])
    expect(ask('front')?.data).toEqual(['172.18.0.2', '172.18.0.3'])
    expect(ask('b'.repeat(12))?.data).toEqual(['172.18.0.3'])
    expect(ask('a'.repeat(64))?.data).toEqual(['172.18.0.2'])
  })

  it('have no other records, and no others are known', () => {
    expect(ask('api', 'AAAA')).toEqual({ code: 0, id: 7, data: [] })
    expect(ask('web', 'MX')).toEqual({ code: 0, id: 7, data: [] })
    expect(ask('example.org')).toBeUndefined()
    expect(ask('constructor')).toBeUndefined()
  })

  it('are of both families, and host names too', () => {
    expect(ask('web', 'AAAA')?.data).toEqual(['fd77::2'])
    expect(ask('front', 'AAAA')?.data).toEqual(['fd77::2'])
    expect(ask('hull')?.data).toEqual(['172.18.0.3'])
    const own = new Map([
      ['172.18.0.2', lease('web', 'a')],
      ['172.18.0.3', { ...lease('api', 'b'), hostname: 'web' }],
    ])
    expect(collectNames('net', [], own).addresses.get('web')).toEqual(['172.18.0.2'])
  })

  it('are for one container what it calls others', () => {
    expect(ask('STORE', 'A', 'b'.repeat(64))?.data).toEqual(['172.18.0.2'])
    expect(ask('store', 'A', 'a'.repeat(64))).toBeUndefined()
    expect(ask('gone', 'A', 'b'.repeat(64))).toBeUndefined()
    expect(ask('constructor', 'A', 'b'.repeat(64))).toBeUndefined()
  })

  it('are found backwards', () => {
    expect(ask(`2.${'0.'.repeat(27)}7.7.d.f.ip6.arpa`, 'PTR')?.data).toEqual(['Web.net'])
    expect(ask(`3.${'0.'.repeat(27)}7.7.d.f.ip6.arpa`, 'PTR')?.code).toBe(3)
    expect(ask(`3.${'0.'.repeat(27)}8.7.d.f.ip6.arpa`, 'PTR')).toBeUndefined()
    expect(ask('2.0.18.172.in-addr.arpa', 'PTR')?.data).toEqual(['Web.net'])
    expect(ask('9.0.18.172.in-addr.arpa', 'PTR')?.code).toBe(3)
    expect(ask('8.8.8.8.in-addr.arpa', 'PTR')).toBeUndefined()
  })
})

it('messages in a stream are taken when they are whole', () => {
  const stream = Buffer.concat([frame(Buffer.from('one')), frame(Buffer.from('two'))])
  expect(takeFrames(stream).frames.map(String)).toEqual(['one', 'two'])
  const part = takeFrames(stream.subarray(0, 7))
  expect(part.frames.map(String)).toEqual(['one'])
  expect(part.rest).toHaveLength(2)
})

describe('resolv.conf', () => {
  it('is read as resolv.conf(5) says', () => {
    expect(parseResolvConf('# x\nnameserver 10.0.0.1 # y\nsearch a\noptions ndots:2\nsearch b c\noptions edns0\n;z\n')).toEqual({
      nameservers: ['10.0.0.1'],
      search: ['b', 'c'],
      options: ['ndots:2', 'edns0'],
    })
  })

  it('never hands on a resolver that only the host reaches', () => {
    const files: Record<string, string> = {
      '/etc/resolv.conf': 'nameserver 127.0.0.53\nsearch x\n',
      '/run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.9\nsearch y\n',
    }
    expect(hostResolvConf((path) => files[path])).toMatchObject({ nameservers: ['10.0.0.9'], search: ['y'] })
    expect(hostNameservers((path) => files[path])).toEqual({ nameservers: ['10.0.0.9'], warnings: [] })
    const alone = hostNameservers((path) => (path === '/etc/resolv.conf' ? 'nameserver 127.0.0.53\n' : undefined))
    expect(alone.nameservers).toEqual([])
    expect(alone.warnings[0]).toMatch(/127\.0\.0\.53.*--dns/)
    expect(['127.0.0.1', '::1', '0.0.0.0', 'fe80::1%eth0', 'x'].filter(reachable)).toEqual([])
    expect(['10.0.0.1', '2001:db8::1'].every(reachable)).toBe(true)
  })

  it('is written from what is asked for, then from the host', () => {
    const host = { nameservers: [], search: ['home'], options: ['edns0'] }
    expect(resolvConfFor({ nameservers: ['10.0.0.1'] }, host)).toBe('nameserver 10.0.0.1\nsearch home\noptions edns0\n')
    expect(resolvConfFor({ nameservers: ['10.0.0.1'], servers: ['1.1.1.1'], search: ['.'], options: ['ndots:0'] }, host)).toBe(
      'nameserver 1.1.1.1\noptions ndots:0\n',
    )
    const behind = { nameservers: ['172.18.0.1'], servers: ['1.1.1.1', '127.0.0.1'], search: ['.'], options: ['ndots:0'], service: true }
    expect(resolvConfFor(behind, host)).toBe('nameserver 172.18.0.1\nnameserver 127.0.0.1\noptions ndots:0\n')
  })
})
