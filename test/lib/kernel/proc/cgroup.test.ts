import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cgroupVersion, directoryOf, hierarchiesOf, parseCgroup, readCgroup, readHierarchies } from '../../../../lib/kernel/proc/cgroup.js'
import { parseMountinfo } from '../../../../lib/kernel/proc/mountinfo.js'

const HYBRID = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory,release_agent=/x
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
42 31 0:29 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct
`

describe('/proc/PID/cgroup', () => {
  it('is taken apart, in both versions', () => {
    expect(parseCgroup('9:name=systemd:/init.scope\n5:cpu,cpuacct:/a/b\n0::/user.slice\n')).toEqual([
      { hierarchy: 9, version: 1, controllers: [], name: 'systemd', path: '/init.scope', deleted: false },
      { hierarchy: 5, version: 1, controllers: ['cpu', 'cpuacct'], path: '/a/b', deleted: false },
      { hierarchy: 0, version: 2, controllers: [], path: '/user.slice', deleted: false },
    ])
    expect(parseCgroup('')).toEqual([])
  })

  it('has paths with colons, of removed cgroups, and of those outside of the namespace', () => {
    expect(parseCgroup('4:memory:/a:b:c d\n')[0]?.path).toBe('/a:b:c d')
    expect(parseCgroup('0::/gone (deleted)\n')[0]).toMatchObject({ path: '/gone', deleted: true })
    expect(parseCgroup('0::/../other\n')[0]?.path).toBe('/../other')
  })
})

describe('hierarchies', () => {
  const hierarchies = hierarchiesOf(parseMountinfo(HYBRID))

  it('are found once each, with their controllers', () => {
    expect(hierarchies).toEqual([
      { version: 1, controllers: ['cpu', 'cpuacct'], mountPoint: '/sys/fs/cgroup/cpu,cpuacct', root: '/' },
      { version: 1, controllers: ['memory'], mountPoint: '/sys/fs/cgroup/memory', root: '/docker/abc' },
      { version: 1, controllers: [], name: 'systemd', mountPoint: '/sys/fs/cgroup/systemd', root: '/' },
      { version: 2, controllers: [], mountPoint: '/sys/fs/cgroup/unified', root: '/' },
    ])
  })

  it('say which version this machine has', () => {
    const [first] = hierarchies
    const second = hierarchies.at(-1)
    expect(cgroupVersion(hierarchies)).toBe('hybrid')
    expect(cgroupVersion(first ? [first] : [])).toBe('v1')
    expect(cgroupVersion(second ? [second] : [])).toBe('v2')
    expect(cgroupVersion([])).toBe('none')
  })

  it('have a directory for a path, unless it is not in the mounted part', () => {
    const [cpu, memory] = hierarchies as [(typeof hierarchies)[0], (typeof hierarchies)[0]]
    const directory = (path: string, hierarchy = cpu) => directoryOf({ path }, hierarchy)
    expect(directory('/')).toBe('/sys/fs/cgroup/cpu,cpuacct')
    expect(directory('/a/b')).toBe('/sys/fs/cgroup/cpu,cpuacct/a/b')
    expect(directory('/docker/abc', memory)).toBe('/sys/fs/cgroup/memory')
    expect(directory('/docker/abc/d', memory)).toBe('/sys/fs/cgroup/memory/d')
    for (const outside of ['/', '/docker', '/docker/abcd', '/..', '/../x']) expect(directory(outside, memory)).toBeUndefined()
  })

  it('of this process are where its memberships say', () => {
    const found = readHierarchies()
    const memberships = readCgroup('self') ?? []
    expect(memberships.length).toBeGreaterThan(0)
    for (const hierarchy of found) {
      expect(hierarchy.version === 2 || hierarchy.name !== undefined || hierarchy.controllers.length > 0).toBe(true)
      const own = memberships.find(({ version, name, controllers }) =>
        version === 2 ? hierarchy.version === 2 : name === hierarchy.name && `${controllers}` === `${hierarchy.controllers}`,
      )
      const directory = own && directoryOf(own, hierarchy)
      if (directory !== undefined) expect(existsSync(`${directory}/cgroup.procs`), directory).toBe(true)
    }
    expect(readCgroup(0x3fff_ffff)).toBeUndefined()
  })
})
