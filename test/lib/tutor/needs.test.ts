import { describe, expect, it, vi } from 'vitest'
import { type CgroupHierarchy, hierarchiesOf, parseCgroup } from '../../../lib/kernel/proc/cgroup.js'
import { parseMountinfo } from '../../../lib/kernel/proc/mountinfo.js'
import { controllersOf, type Facts } from '../../../lib/tutor/facts.js'
import type { NamespaceTrial } from '../../../lib/tutor/namespace-trials.js'
import { missing, type Need } from '../../../lib/tutor/needs.js'

const ordinary: Facts = {
  effectiveUid: 1000,
  userName: 'ada',
  kernel: '6.8.0-45-generic',
  maxUserNamespaces: 15000,
  unprivilegedUsernsClone: undefined,
  apparmorRestrictsUserns: undefined,
  underSeccomp: false,
  controllers: new Map(),
  newuidmap: true,
  subordinateIds: true,
}
const works: NamespaceTrial = () => Promise.resolve('yes')
const refused: NamespaceTrial = () => Promise.resolve('clone3: -1 EPERM (Operation not permitted)')
const only = async (need: Need, facts: Partial<Facts>, trial = works) => {
  const [first] = await missing([need], { ...ordinary, ...facts }, trial)
  return first
}

describe('needs', () => {
  it('asks for nothing that is there, and tries a namespace only once', async () => {
    const trial = vi.fn(works)
    expect(await missing(['bottle', 'user-namespaces', 'several-ids', 'kernel:5.12', 'kernel:6.8'], ordinary, trial)).toEqual([])
    expect(trial).toHaveBeenCalledOnce()
    expect(await missing(['bottle', 'root', 'several-ids'], { ...ordinary, effectiveUid: 0, newuidmap: false }, refused)).toEqual([])
  })

  it('tries an overlay, and tells a missing module from a missing right', async () => {
    const asked = (answer: string, facts: Partial<Facts> = {}) =>
      missing(['overlay'], { ...ordinary, ...facts }, works, undefined, () => Promise.resolve(answer))
    expect(await asked('yes')).toEqual([])
    expect(await asked('mount: -1 ENODEV (No such device)')).toMatchObject([{ root: false, why: expect.stringMatching(/filesystems/) }])
    const early = await asked('mount: -1 EPERM (Operation not permitted)', { kernel: '5.4.0' })
    expect(early).toMatchObject([{ root: true, why: expect.stringMatching(/before Linux 5\.11, and this is 5\.4\.0/) }])
    expect(await missing(['overlay'], ordinary, refused)).toMatchObject([{ need: 'overlay', why: expect.stringMatching(/user namespace/) }])
  })

  it.each<[string, Partial<Facts>, string]>([
    ['AppArmor', { apparmorRestrictsUserns: 1 }, 'apparmor_restrict_unprivileged_userns is 1'],
    ['a limit of none', { maxUserNamespaces: 0 }, 'max_user_namespaces is 0'],
    ['the switch of some distributions', { unprivilegedUsernsClone: 0 }, 'unprivileged_userns_clone is 0'],
    ['a kernel without them', { maxUserNamespaces: undefined }, 'built without user namespaces'],
    ['a filter around', { underSeccomp: true }, 'runs under a seccomp filter'],
    ['no known reason', {}, 'no setting known here explains it'],
    ['what no setting says', {}, 'to whoever is in a chroot it always does'],
  ])('says why there is no user namespace: %s', async (_, facts, reason) => {
    const lack = await only('bottle', facts, refused)
    expect(lack?.why).toContain(reason)
    if (facts.maxUserNamespaces !== undefined || !('maxUserNamespaces' in facts)) expect(lack?.why).toContain('EPERM')
    expect(lack?.remedy).not.toBe('')
  })

  it('does not blame a setting when the kernel did it all the same', async () => {
    expect(await only('bottle', { apparmorRestrictsUserns: 1 }, works)).toBeUndefined()
  })

  it('says what gives more than one user id', async () => {
    expect((await only('several-ids', { newuidmap: false }))?.remedy).toContain('uidmap')
    expect((await only('setuid-binary', { subordinateIds: false }))?.remedy).toContain('--add-subuids 100000-165535')
    expect((await only('several-ids', { apparmorRestrictsUserns: 1 }, refused))?.why).toContain('AppArmor')
  })

  it('says whether the network can be made, and by what it is missed', async () => {
    const works = () => Promise.resolve({ links: 'yes', nat: 'yes' })
    const all: Need[] = ['links', 'nat']
    const network = vi.fn(works)
    expect(await missing(all, ordinary, () => Promise.resolve('yes'), network)).toEqual([])
    expect(network).toHaveBeenCalledOnce()
    const without = { links: '-1 EOPNOTSUPP (Operation not supported)', nat: 'nft is not installed' }
    const [links, nat] = await missing(all, { ...ordinary, effectiveUid: 0 }, refused, () => Promise.resolve(without))
    expect(links).toMatchObject({ why: expect.stringContaining('EOPNOTSUPP'), remedy: expect.stringContaining('modprobe -a veth bridge') })
    expect(nat).toMatchObject({ why: 'the program nft is not installed', remedy: expect.stringContaining('nft') })
    const plugged = (effectiveUid: number) =>
      missing(['default-network'], { ...ordinary, effectiveUid }, refused, () => Promise.resolve(without))
    expect([await plugged(0), await plugged(1000)]).toMatchObject([[{ why: 'the program nft is not installed' }], []])
    const unasked = vi.fn(works)
    expect((await missing(['links'], ordinary, refused, unasked))[0]?.why).toContain('user namespace')
    expect(unasked).not.toHaveBeenCalled()
  })

  it('tells a cgroup controller that is absent from one that is not delegated', async () => {
    expect(await only('cgroup:memory', {})).toMatchObject({ root: false, why: expect.stringContaining('not there') })
    const at = (version: 1 | 2, writable: boolean) => ({
      controllers: new Map([['memory', { version, writable, directory: '/sys/fs/cgroup/x' } as const]]),
    })
    expect(await only('cgroup:memory', at(1, true))).toBeUndefined()
    expect(await only('cgroup:memory', at(2, false))).toMatchObject({ root: true, remedy: expect.stringContaining('systemd-run --user') })
    expect(await only('cgroup:memory', at(1, false))).toMatchObject({ root: true, remedy: expect.stringContaining('version 1') })
    expect(await only('cgroup:memory', { ...at(2, false), effectiveUid: 0 })).toMatchObject({ root: false })
    expect(await only('cgroup:freezer', at(2, true))).toBeUndefined()
  })

  it('looks for programs, of which one is enough', async () => {
    expect(await only('command:sh', {})).toBeUndefined()
    expect(await only('command:no-such-program|sh', {})).toBeUndefined()
    expect(await only('command:no-such-program', {})).toMatchObject({ why: 'the program no-such-program is not installed', root: false })
    expect((await only('command:no-such|nor-this', {}))?.why).toBe('none of the programs no-such and nor-this is installed')
  })

  it('compares kernel versions by number', async () => {
    expect(await only('kernel:5.12', { kernel: '5.4.0' })).toMatchObject({ why: 'this needs Linux 5.12, and this is 5.4.0' })
    expect(await only('kernel:6.10', { kernel: '6.9.1' })).toBeDefined()
    expect(await only('kernel:6.10', { kernel: '6.11-rc1' })).toBeUndefined()
  })
})

describe('controllersOf', () => {
  it('finds version 1 controllers by their mounts, and this process in them', () => {
    const mountinfo = [
      '30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
      '31 30 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory',
      '32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n')
    const own = '9:memory:/user.slice\n4:cpu,cpuacct:/\n0::/user.slice/user-1000.slice\n'
    const found = controllersOf(hierarchiesOf(parseMountinfo(mountinfo)), parseCgroup(own), (directory) => directory.includes('user'))
    expect(Object.fromEntries(found)).toEqual({
      memory: { version: 1, directory: '/sys/fs/cgroup/memory/user.slice', writable: true },
      cpu: { version: 1, directory: '/sys/fs/cgroup/cpu,cpuacct', writable: false },
      cpuacct: { version: 1, directory: '/sys/fs/cgroup/cpu,cpuacct', writable: false },
    })
  })

  it('prefers version 1 where both have a controller', () => {
    const hierarchies: CgroupHierarchy[] = [
      { version: 1, controllers: ['memory'], mountPoint: '/sys/fs/cgroup/memory', root: '/' },
      { version: 2, controllers: ['memory', 'pids'], mountPoint: '/sys/fs/cgroup/unified', root: '/' },
    ]
    const found = controllersOf(hierarchies, parseCgroup('9:memory:/\n0::/a\n'), () => true)
    expect(found.get('memory')?.version).toBe(1)
    expect(found.get('pids')).toEqual({ version: 2, directory: '/sys/fs/cgroup/unified/a', writable: true })
  })
})
