import { describe, expect, it } from 'vitest'
import { capabilityBits } from '../../../lib/kernel/calls/credentials.js'
import { constant } from '../../../lib/kernel/constants.js'
import { showStep } from '../../../lib/kernel/show.js'
import {
  ALL_CAPABILITIES,
  CAPABILITY_NOTES,
  type Capability,
  type CapabilityRequest,
  capabilities,
  capabilitiesOf,
  capabilityName,
  DEFAULT_CAPABILITIES,
  dockerSets,
  parseCapabilities,
  parseCapability,
  resolveCapabilities,
} from '../../../lib/primitives/capabilities.js'

const here = { available: ALL_CAPABILITIES, last: 40 }
const resolve = (request: Partial<CapabilityRequest>) => resolveCapabilities({ ...here, ...request })
const shown = (spec: Parameters<typeof capabilities>[0]) => capabilities(spec).steps.map(showStep)

describe('names', () => {
  it('are taken with and without CAP_, in any case', () => {
    expect(parseCapabilities(['CAP_NET_ADMIN', 'net_admin', 'Cap_Net_Admin', 'ALL', 'all'])).toEqual([
      'net_admin',
      'net_admin',
      'net_admin',
      'all',
      'all',
    ])
    expect(capabilityName('net_admin')).toBe('CAP_NET_ADMIN')
  })

  it.each(['', 'CAP_', 'NET-ADMIN', 'cap_all', 'cap_cap_chown', '12'])('refuse %o', (name) => {
    expect(() => parseCapability(name)).toThrow(/^unknown capability: "CAP_[^"]*": capabilities\(7\) lists their names, such as NET_ADMIN$/)
  })

  it('stand in the order of their numbers, each with a note', () => {
    expect(ALL_CAPABILITIES.map((one) => constant('capability', one))).toEqual(ALL_CAPABILITIES.map((_, index) => index))
    for (const one of ALL_CAPABILITIES) {
      const { allows, container } = CAPABILITY_NOTES[one]
      expect(allows).toMatch(/^[a-z].*[^.]$/)
      const given = DEFAULT_CAPABILITIES.includes(one)
      expect(container).toMatch(given ? /^Given[:,] .*\.$/ : /^Withheld[:,] .*\.$/)
    }
  })

  it('become bits and come back', () => {
    expect(capabilityBits(DEFAULT_CAPABILITIES)).toBe(0xa80425fbn)
    expect(new Set(capabilitiesOf(0xa80425fbn))).toEqual(new Set(DEFAULT_CAPABILITIES))
    expect(capabilitiesOf((1n << 63n) | 1n)).toEqual(['chown'])
  })
})

describe('what is added and dropped', () => {
  it('starts from Docker’s fourteen', () => {
    expect(resolve({})).toEqual({ capabilities: ALL_CAPABILITIES.filter((one) => DEFAULT_CAPABILITIES.includes(one)), warnings: [] })
    expect(DEFAULT_CAPABILITIES).toHaveLength(14)
  })

  const without = (...gone: Capability[]) => ALL_CAPABILITIES.filter((one) => DEFAULT_CAPABILITIES.includes(one) && !gone.includes(one))
  const cases: [string, Partial<CapabilityRequest>, readonly Capability[]][] = [
    ['one dropped', { drop: ['CHOWN'] }, without('chown')],
    ['one added', { add: ['SYS_ADMIN'] }, ALL_CAPABILITIES.filter((one) => one === 'sys_admin' || DEFAULT_CAPABILITIES.includes(one))],
    ['added and dropped at once: adding comes later', { add: ['CHOWN'], drop: ['CHOWN'] }, without()],
    ['all dropped', { drop: ['ALL'] }, []],
    ['all dropped but one', { drop: ['all'], add: ['net_raw'] }, ['net_raw']],
    ['all added', { add: ['ALL'] }, ALL_CAPABILITIES],
    ['all added but one', { add: ['ALL'], drop: ['SYS_MODULE'] }, ALL_CAPABILITIES.filter((one) => one !== 'sys_module')],
    ['all on both sides: adding wins', { add: ['ALL'], drop: ['ALL'] }, ALL_CAPABILITIES],
    ['privileged, whatever is dropped', { privileged: true, drop: ['ALL'] }, ALL_CAPABILITIES],
    ['one twice', { drop: ['ALL'], add: ['KILL', 'cap_kill'] }, ['kill']],
  ]
  it.each(cases)('%s', (_, request, wanted) => {
    expect(resolve(request)).toEqual({ capabilities: [...wanted], warnings: [] })
  })

  it('warns of what this host has not got', () => {
    const available = ALL_CAPABILITIES.filter((one) => one !== 'sys_resource' && one !== 'mknod')
    expect(resolve({ available, add: ['SYS_RESOURCE'] })).toEqual({
      capabilities: without('mknod'),
      warnings: ['this host cannot hand on CAP_SYS_RESOURCE, CAP_MKNOD, which it has not got itself; the container goes without'],
    })
    expect(resolve({ available, privileged: true }).warnings).toHaveLength(1)
  })

  it('warns of what this kernel does not know, unless simply all was asked for', () => {
    expect(resolve({ last: 37, add: ['BPF'] }).warnings).toEqual(['this kernel has no CAP_BPF; the container goes without'])
    expect(resolve({ last: 37, add: ['ALL'] })).toEqual({ capabilities: ALL_CAPABILITIES.slice(0, 38), warnings: [] })
  })

  it('refuses names that are none', () => {
    expect(() => resolve({ add: ['SUPERPOWER'] })).toThrow('unknown capability: "CAP_SUPERPOWER"')
    expect(() => resolve({ privileged: true, drop: ['SUPERPOWER'] })).toThrow('unknown capability: "CAP_SUPERPOWER"')
  })
})

describe('the five sets', () => {
  it('are Docker’s: root holds the bounding set, nobody inherits', () => {
    expect(dockerSets(['chown', 'kill'], 0)).toEqual({
      bounding: ['chown', 'kill'],
      permitted: ['chown', 'kill'],
      effective: ['chown', 'kill'],
      inheritable: [],
      ambient: [],
    })
    expect(dockerSets(['chown', 'kill'], 1000)).toEqual({
      bounding: ['chown', 'kill'],
      permitted: [],
      effective: [],
      inheritable: [],
      ambient: [],
    })
  })

  it('become calls: drop the rest, set, raise', () => {
    const sets = { bounding: ['chown', 'kill'], permitted: ['kill'], effective: [], inheritable: ['kill'], ambient: ['kill'] } as const
    expect(shown({ ...sets, lastCap: 6 })).toEqual([
      ...['dac_override', 'dac_read_search', 'fowner', 'fsetid', 'setgid'].map((one) => `prctl(capbset_drop, ${one}, 0, 0, 0)`),
      'capset({version=v3, pid=0}, {effective=0, permitted=kill, inheritable=kill})',
      'prctl(cap_ambient, raise, kill, 0, 0)',
    ])
    const { steps } = capabilities({ ...sets, lastCap: 6 })
    expect(steps.every(({ phase, actor, why }) => phase === 'privileges' && actor === 'container' && (why ?? '').endsWith('.'))).toBe(true)
  })

  it('keep what is permitted over a change of user', () => {
    const sets = { bounding: ['kill'], permitted: ['kill'], effective: ['kill'], inheritable: [], ambient: [] } as const
    expect(shown({ ...sets, lastCap: 0, uid: 5 })).toEqual([
      'prctl(capbset_drop, chown, 0, 0, 0)',
      'prctl(set_keepcaps, 1, 0, 0, 0)',
      'capset({version=v3, pid=0}, {effective=kill, permitted=kill, inheritable=0})',
    ])
    expect(shown({ ...dockerSets(['kill'], 5), lastCap: 0, uid: 5 }).join()).not.toContain('keepcaps')
  })

  it('drop what is newer than the headers by its number', () => {
    const calls = shown({ ...dockerSets(ALL_CAPABILITIES, 0), lastCap: 42 })
    expect(calls.slice(0, 2)).toEqual(['prctl(capbset_drop, 41, 0, 0, 0)', 'prctl(capbset_drop, 42, 0, 0, 0)'])
  })

  const none = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [], lastCap: 40 } as const
  const refusals: [string, Parameters<typeof capabilities>[0], string][] = [
    ['effective', { ...none, effective: ['kill'] }, 'CAP_KILL cannot be effective without being permitted'],
    ['ambient', { ...none, ambient: ['kill', 'chown'] }, 'CAP_KILL, CAP_CHOWN cannot be ambient without being permitted'],
    ['ambient, too', { ...none, permitted: ['kill'], ambient: ['kill'] }, 'CAP_KILL cannot be ambient without being inheritable'],
    ['inheritable', { ...none, inheritable: ['kill'] }, 'CAP_KILL cannot be inheritable without being in the bounding set'],
    ['a number', { ...none, lastCap: 99 }, "'99' is no capability number"],
  ]
  it.each(refusals)('refuse what the kernel would refuse: %s', (_, spec, sentence) => {
    expect(() => capabilities(spec)).toThrow(sentence)
  })
})
