import { describe, expect, test } from 'vitest'
import { translationsIn } from '../../../lib/picture/ruleset.js'

/** As nft 1.0.6 writes it: `nft -a list ruleset`. */
const OWN = `table ip drydock { # handle 1
	set bridges { # handle 1
		type ifname
		elements = { "drydock0" }
	}

	map published { # handle 5
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 127.0.0.1 . tcp . 8082 : 172.17.0.3 . 80 }
	}

	map published_anywhere { # handle 6
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 : 172.17.0.2 . 80,
			     udp . 53 : 172.17.0.2 . 5353 }
	}

	map unused { # handle 7
		type inet_service : ipv4_addr
		elements = { 1 : 10.0.0.1 }
	}

	chain arriving { # handle 8
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto { tcp, udp } dnat ip to ip daddr . meta l4proto . th dport map @published # handle 11
		fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @published_anywhere # handle 13
	}

	chain leaving { # handle 9
		type nat hook postrouting priority srcnat; policy accept;
		oifname @bridges ct status dnat ip saddr @subnets masquerade # handle 21
	}

	chain between { # handle 10
		type filter hook forward priority filter; policy accept;
		ct status dnat accept comment "dnat to nowhere, masquerade" # handle 27
		icmp type redirect drop # handle 28
	}
}
table ip6 drydock { # handle 2
	map published_anywhere { # handle 6
		type inet_proto . inet_service : ipv6_addr . inet_service
		elements = { tcp . 8080 : fd00::2 . 80 }
	}

	chain arriving { # handle 8
		meta l4proto { tcp, udp } dnat ip6 to meta l4proto . th dport map @published_anywhere # handle 9
	}
}
`

describe('what a packet filter translates', () => {
  test('drydock’s own: rules, and what the maps hold that they look into', () => {
    const found = translationsIn(OWN)
    expect(found.map(({ key, kind }) => `${kind} ${key}`)).toEqual([
      'dnat ip drydock arriving/11',
      'dnat ip drydock arriving/13',
      'masquerade ip drydock leaving/21',
      'dnat ip6 drydock arriving/9',
      'dnat ip drydock published/127.0.0.1 . tcp . 8082',
      'dnat ip drydock published_anywhere/tcp . 8080',
      'dnat ip drydock published_anywhere/udp . 53',
      'dnat ip6 drydock published_anywhere/tcp . 8080',
    ])
    expect(found.flatMap(({ publishes }) => publishes ?? [])).toEqual([
      { protocol: 'tcp', port: '127.0.0.1:8082', to: '172.17.0.3:80' },
      { protocol: 'tcp', port: '8080', to: '172.17.0.2:80' },
      { protocol: 'udp', port: '53', to: '172.17.0.2:5353' },
      { protocol: 'tcp', port: '8080', to: '[fd00::2]:80' },
    ])
    expect(found[2]?.text).toBe('oifname @bridges ct status dnat ip saddr @subnets masquerade')
    expect(found[5]?.text).toBe('element ip drydock published_anywhere { tcp . 8080 : 172.17.0.2 . 80 }')
  })

  test.each([
    ['tcp dport 8080 dnat to 172.20.0.2:80', 'dnat', { protocol: 'tcp', port: '8080', to: '172.20.0.2:80' }],
    ['ip daddr 10.0.0.1 udp dport { 53, 54 } dnat to 10.1.0.2', 'dnat', { protocol: 'udp', port: '10.0.0.1:{ 53, 54 }', to: '10.1.0.2' }],
    ['ip6 daddr fd00::1 tcp dport 80 dnat to [fd00::2]:80', 'dnat', { protocol: 'tcp', port: '[fd00::1]:80', to: '[fd00::2]:80' }],
    ['ip saddr 10.0.0.0/8 snat to 192.0.2.1', 'snat', undefined],
    ['tcp dport 80 redirect to :8080', 'redirect', undefined],
    ['tcp dport 80 redirect', 'redirect', undefined],
    ['oifname "eth0" masquerade to :1024-65535 random', 'masquerade', undefined],
    ['xt match "addrtype" counter xt target "MASQUERADE"', 'masquerade', undefined],
  ])('one line: %s', (rule, kind, publishes) => {
    const [found, ...more] = translationsIn(`table ip nat {\n\tchain any {\n\t\t${rule} # handle 4\n\t}\n}\n`)
    expect([found?.kind, found?.publishes, found?.text, found?.key, more.length]).toEqual([kind, publishes, rule, 'ip nat any/4', 0])
  })

  test('a counter is told apart from the rule', () => {
    const rule = 'iifname != "docker0" meta l4proto tcp tcp dport 8080 counter packets 17 bytes 1020 dnat to 172.17.0.2:80'
    const [found] = translationsIn(`table ip nat {\n\tchain DOCKER { # handle 3\n\t\t${rule} # handle 9\n\t}\n}\n`)
    expect(found).toEqual({
      key: 'ip nat DOCKER/9',
      kind: 'dnat',
      place: 'ip nat DOCKER',
      text: 'iifname != "docker0" meta l4proto tcp tcp dport 8080 dnat to 172.17.0.2:80',
      packets: 17,
      publishes: { protocol: 'tcp', port: '8080', to: '172.17.0.2:80' },
    })
  })

  test.each(['ct status dnat accept', 'icmp type redirect drop', 'counter comment "masquerade"', 'tcp dport 80 accept'])(
    'not a translation: %s',
    (rule) => {
      expect(translationsIn(`table ip filter {\n\tchain any {\n\t\t${rule} # handle 4\n\t}\n}\n`)).toEqual([])
    },
  )

  test('nothing at all', () => {
    expect(translationsIn('')).toEqual([])
    expect(translationsIn('table inet empty { # handle 1\n}\n')).toEqual([])
  })
})
