import { describe, expect, test } from 'vitest'
import { below, detectCgroups, hierarchyOf } from '../../../../lib/primitives/cgroups/detect.js'
import { asRoot, asUser, fixture, HYBRID, UNIFIED } from './fixture.js'

describe('cgroup v2', () => {
  test('root works at the top', () => {
    const host = detectCgroups(fixture({ files: { ...UNIFIED, ...asRoot, '/proc/self/cgroup': '0::/user.slice/session-1.scope\n' } }))
    expect(host).toMatchObject({ layout: 'v2', problems: [], devicePrograms: true, parents: ['drydock'] })
    expect(host.hierarchies).toHaveLength(1)
    expect(host.hierarchies[0]).toMatchObject({
      version: 2,
      name: 'unified',
      base: '/sys/fs/cgroup',
      enabled: ['cpu', 'io', 'memory', 'pids'],
    })
    expect(host.hierarchies[0]?.controllers).toContain('memory')
    expect(host.hierarchies[0]?.files.has('memory.swap.max')).toBe(true)
  })

  const service = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service'
  const delegated = {
    ...UNIFIED,
    ...asUser,
    [`${service}/cgroup.type`]: 'domain\n',
    [`${service}/cgroup.procs`]: '',
    [`${service}/cgroup.subtree_control`]: 'memory pids\n',
    [`${service}/cgroup.controllers`]: 'cpu memory pids\n',
    [`${service}/app.slice/cgroup.type`]: 'domain\n',
    [`${service}/app.slice/cgroup.procs`]: '',
    [`${service}/app.slice/cgroup.subtree_control`]: 'memory pids\n',
    [`${service}/app.slice/cgroup.controllers`]: 'memory pids\n',
    [`${service}/app.slice/run-1.scope/cgroup.type`]: 'domain\n',
    [`${service}/app.slice/run-1.scope/cgroup.procs`]: '77\n',
    [`${service}/app.slice/run-1.scope/cgroup.subtree_control`]: '',
    [`${service}/app.slice/run-1.scope/cgroup.controllers`]: 'memory pids\n',
    '/proc/self/cgroup': '0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n',
  }

  test('an ordinary user works in the nearest directory that is given to it and has no process in it', () => {
    const host = detectCgroups(fixture({ files: delegated, writable: [service] }))
    expect(host.hierarchies[0]).toMatchObject({ base: `${service}/app.slice`, controllers: ['memory', 'pids'] })
    expect(host).toMatchObject({ problems: [], devicePrograms: false })
  })

  test('an ordinary user without such a directory is told how to get one', () => {
    const files = { ...delegated, '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-3.scope\n' }
    const host = detectCgroups(fixture({ files, writable: [service] }))
    expect(host.hierarchies).toEqual([])
    expect(host.problems.join()).toMatch(/systemd-run --user --scope -p Delegate=yes/)
    const plain = detectCgroups(fixture({ files: { ...files, '/proc/self/cgroup': '0::/\n' }, writable: [] }))
    expect(plain.problems.join()).toMatch(/nothing can be limited: run with sudo$/)
  })

  test('in a container, whose own cgroup is the top and has processes', () => {
    const files = { ...UNIFIED, ...asRoot, '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cgroup.type': 'domain\n' }
    expect(detectCgroups(fixture({ files })).problems.join()).toMatch(/has processes in it.*mkdir \/sys\/fs\/cgroup\/init/)
    const empty = { ...files, '/sys/fs/cgroup/cgroup.procs': '' }
    expect(detectCgroups(fixture({ files: empty })).hierarchies[0]?.base).toBe('/sys/fs/cgroup')
  })

  test('a threaded cgroup is none', () => {
    const files = {
      ...UNIFIED,
      ...asRoot,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/cgroup.type': 'threaded\n',
      '/sys/fs/cgroup/cgroup.procs': '',
    }
    expect(detectCgroups(fixture({ files })).hierarchies).toEqual([])
  })

  test('swap is taken to be there when there is nothing to look at, unless it was switched off', () => {
    const bare = Object.fromEntries(Object.entries(UNIFIED).filter(([path]) => !path.includes('system.slice')))
    const has = (cmdline: string) =>
      detectCgroups(
        fixture({ files: { ...bare, ...asRoot, '/proc/self/cgroup': '0::/\n', '/proc/cmdline': cmdline } }),
      ).hierarchies[0]?.files.has('memory.swap.max')
    expect(has('quiet')).toBe(true)
    expect(has('quiet swapaccount=0')).toBe(false)
  })

  test('programs for devices need the first user namespace', () => {
    const files = { ...UNIFIED, ...asRoot, '/proc/self/cgroup': '0::/\n', '/proc/self/ns/user': 'user:[4026532999]' }
    expect(detectCgroups(fixture({ files })).devicePrograms).toBe(false)
  })
})

describe('cgroup v1', () => {
  test('root works at the top of every tree, the one of v2 beside them too', () => {
    const host = detectCgroups(fixture({ files: { ...HYBRID, ...asRoot } }))
    expect(host.layout).toBe('hybrid')
    expect(host.hierarchies.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'memory 1',
      'cpu,cpuacct 1',
      'cpuset 1',
      'devices 1',
      'systemd 1',
      'unified 2',
    ])
    expect(hierarchyOf(host.hierarchies, 'memory')).toMatchObject({ base: '/sys/fs/cgroup/memory' })
    expect(hierarchyOf(host.hierarchies, 'cpuacct')?.name).toBe('cpu,cpuacct')
    expect(hierarchyOf(host.hierarchies, 'cpuset')?.cpuset).toEqual({ cpus: '0-3', mems: '0' })
    expect(hierarchyOf(host.hierarchies, 'io')).toBeUndefined()
  })

  test('an ordinary user works in its own directory if it is given one', () => {
    const host = detectCgroups(fixture({ files: { ...HYBRID, ...asUser }, writable: ['/sys/fs/cgroup/memory/jobs/7'] }))
    expect(host.hierarchies.map(({ base }) => base)).toEqual(['/sys/fs/cgroup/memory/jobs/7'])
    expect(host.problems).toEqual([expect.stringMatching(/belong to root.*cpu,cpuacct, cpuset, devices, systemd\. .*need root/)])
  })
})

test('no cgroups at all', () => {
  expect(detectCgroups(fixture({ files: { '/proc/self/mountinfo': '23 30 0:22 / /proc rw - proc proc rw\n', ...asRoot } }))).toMatchObject({
    layout: 'none',
    hierarchies: [],
    problems: ['no cgroup file system is mounted here, so nothing can be limited'],
  })
})

test('a bottle hands on a part', () => {
  const host = detectCgroups(fixture({ files: { ...HYBRID, ...asRoot } }))
  expect(below(host, 'bottle-1').parents).toEqual(['drydock', 'bottle-1'])
})

test('mount points with spaces', () => {
  const files = {
    '/proc/self/mountinfo': '1 2 0:3 / /my\\040groups rw - cgroup2 x rw\n',
    '/proc/self/cgroup': '0::/\n',
    '/my groups/cgroup.procs': '',
    '/my groups/cgroup.subtree_control': '',
    '/my groups/cgroup.controllers': 'pids\n',
    ...asRoot,
  }
  expect(detectCgroups(fixture({ files })).hierarchies[0]).toMatchObject({ base: '/my groups', controllers: ['pids'] })
})
