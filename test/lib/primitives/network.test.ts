import { describe, expect, it } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import { cable, cableNames, loopback } from '../../../lib/primitives/network.js'

const ID = '3f2a9c1b77de0000'
const SPEC = {
  id: ID,
  position: 0,
  bridge: { index: 7, name: 'drydock0' },
  address: '172.17.0.2/16',
  gateway: '172.17.0.1',
  mac: '02:42:ac:11:00:02',
  mtu: 1500,
}
const shown = (fragment: ReturnType<typeof cable>) =>
  plan([namespaces({ net: 'new', pid: 'new' }), fragment]).map((step) => `${step.actor}: ${showStep(step)}`)

describe('a cable', () => {
  it('is made from inside, over the socket that the host has opened', () => {
    expect(shown(cable(SPEC))).toEqual([
      'host: socket(netlink, raw|cloexec, route)',
      expect.stringMatching(/^host: clone3/),
      'container: netlink(<cable0>, link add veth3f2a9c1 index 334670273 up mtu 1500 master drydock0 type veth peer name eth0 index 100 address 02:42:ac:11:00:02 mtu 1500 netns 1)',
      'container: socket(netlink, raw|cloexec, route)',
      'container: netlink(<inside0>, link set lo up; address add 172.17.0.2/16 broadcast 172.17.255.255 dev eth0; link set eth0 up; route add default via 172.17.0.1 dev eth0)',
    ])
  })

  it('of a further network has another name and no default route', () => {
    const steps = shown(cable({ ...SPEC, position: 1, hairpin: true }))
    expect(steps.join('\n')).toContain('link set veth3f2a9c2 type bridge_slave hairpin on')
    expect(steps.at(-1)).toBe(
      'container: netlink(<inside1>, address add 172.17.0.2/16 broadcast 172.17.255.255 dev eth1; link set eth1 up)',
    )
  })

  it('is made by the host for a process in a user namespace, and by pid where process ids are shared', () => {
    expect(shown(cable({ ...SPEC, maker: 'host' }))[2]).toMatch(/^host: .*netns <child>\)$/)
    expect(shown(cable({ ...SPEC, maker: 'shared-pid' }))[2]).toMatch(/^container: .*netns <child>\)$/)
  })

  it('has a name and an index of the same digits', () => {
    expect(cableNames({ id: 'fffffff00000', position: 1 }).outside).toEqual({ name: 'veth0000000', index: 0x1000_0000 })
    expect(() => cableNames({ id: 'box', position: 0 })).toThrow(/no id of a cable/)
  })

  it('leaves nothing to be undone', () => {
    expect(cable(SPEC).steps.some(({ undo }) => undo)).toBe(false)
    expect(loopback().steps.map(({ call }) => call)).toEqual(['socket', 'netlink', 'close'])
  })
})
