import { describe, expect, test } from 'vitest'
import { obstaclesIn, type RulesetObject } from '../../../lib/network/filter.js'

const chain = (family: string, table: string, name: string, more: object = {}): RulesetObject => ({
  chain: { family, table, name, ...more },
})
const rule = (family: string, table: string, name: string, ...expr: object[]): RulesetObject => ({
  rule: { family, table, chain: name, expr },
})
const dropping = { hook: 'forward', policy: 'drop' }
const accepting = { hook: 'forward', policy: 'accept' }

describe('rules of others in the way', () => {
  test('none: our own table, other hooks, other families, chains that accept', () => {
    const ruleset = [
      chain('ip', 'drydock', 'between', dropping),
      chain('inet', 'mine', 'input', { hook: 'input', policy: 'drop' }),
      chain('ip6', 'filter', 'FORWARD', dropping),
      chain('ip', 'filter', 'FORWARD', accepting),
      rule('ip', 'filter', 'FORWARD', { match: {} }, { drop: null }),
    ]
    expect(obstaclesIn(ruleset, 'drydock0')).toEqual([])
  })

  for (const [whose, ruleset, remedy] of [
    [
      'Docker’s',
      [chain('ip', 'filter', 'FORWARD', dropping), chain('ip', 'filter', 'DOCKER-USER')],
      'iptables -I DOCKER-USER -o br-1 -j ACCEPT',
    ],
    ['ufw’s', [chain('ip', 'filter', 'FORWARD', dropping), chain('ip', 'filter', 'ufw-user-forward')], 'ufw route allow in on br-1'],
    ['iptables’', [chain('ip', 'filter', 'FORWARD', dropping)], 'iptables -I FORWARD -i br-1 -j ACCEPT'],
    ['anybody’s', [chain('inet', 'wall', 'fwd', dropping)], 'nft insert rule inet wall fwd oifname br-1 accept'],
    [
      'firewalld’s, which ends with a rule in place of a policy',
      [
        chain('inet', 'firewalld', 'filter_FORWARD', accepting),
        rule('inet', 'firewalld', 'filter_FORWARD', { match: {} }, { accept: null }),
        rule('inet', 'firewalld', 'filter_FORWARD', { counter: {} }, { reject: {} }),
      ],
      'firewall-cmd --permanent --zone=trusted --add-interface=br-1',
    ],
  ] as const) {
    test(`${whose}, with the remedy`, () => {
      expect(obstaclesIn(ruleset, 'br-1')).toEqual([expect.stringContaining(remedy)])
    })
  }
})
