import { describe, expect, it } from 'vitest'
import { changesBetween, type MountState, type ProcessState } from '../../../lib/tutor/changes.js'

const mount = (point: string, changes: Partial<MountState> = {}): MountState => ({
  point,
  type: 'tmpfs',
  source: 'tmpfs',
  options: 'rw',
  propagation: 'private',
  ...changes,
})

const all = (1n << 41n) - 1n
const state: ProcessState = {
  pid: 100,
  pids: [100],
  namespaces: { user: 1, mnt: 2, pid: 3, pid_for_children: 3, uts: 4, time: 5, time_for_children: 5 },
  hostname: 'dock',
  mounts: [mount('/'), mount('/proc', { type: 'proc' })],
  capabilities: { CapInh: 0n, CapPrm: all, CapEff: all, CapBnd: all, CapAmb: 0n },
  noNewPrivs: 0,
  seccomp: 'off',
  seccompFilters: 0,
  uids: [0, 0, 0, 0],
  gids: [0, 0, 0, 0],
  groups: [],
  uidMap: [],
  gidMap: [],
  setgroups: 'allow',
  cgroups: { memory: '/', '': '/' },
  links: ['lo'],
  descriptors: { 0: '/dev/null' },
  root: '/',
  directory: '/',
  program: '/shim',
  session: 1,
  limits: { 'open files': '1024 4096 files' },
}
const changes = (after: Partial<ProcessState>, before: Partial<ProcessState> = {}) =>
  changesBetween({ ...state, ...before }, { ...state, ...after })

describe('changesBetween', () => {
  it('says nothing of what stayed', () => {
    expect(changes({})).toEqual([])
    expect(changes({ hostname: undefined })).toEqual([])
  })

  it('shows namespaces by inode, and those of children apart', () => {
    expect(changes({ namespaces: { ...state.namespaces, uts: 40 } })).toEqual(['uts namespace 4 → 40'])
    expect(changes({ namespaces: { ...state.namespaces, pid_for_children: 30 } })).toEqual(['pid namespace of its children to come 3 → 30'])
    expect(changes({ namespaces: { ...state.namespaces, pid: 30, pid_for_children: 30 } })).toEqual(['pid namespace 3 → 30'])
  })

  it('shows mounts that came, went and changed', () => {
    expect(changes({ mounts: [mount('/'), mount('/proc', { type: 'proc' }), mount('/tmp', { options: 'rw,nosuid' })] })).toEqual([
      '+ mount /tmp (tmpfs, rw,nosuid)',
    ])
    expect(changes({ mounts: [mount('/')] })).toEqual(['- mount /proc (proc, rw)'])
    expect(changes({ mounts: [mount('/', { options: 'ro' }), mount('/proc', { type: 'proc' })] })).toEqual(['mount / rw → ro'])
  })

  it('tells a root that moved in the same tree from mounts that went', () => {
    expect(changes({ root: '/srv', mounts: [] })).toEqual([
      'root directory / → /srv',
      'mounts that lie below its root, and are shown to it 2 → 0',
    ])
    const namespaces = { ...state.namespaces, mnt: 99 }
    expect(changes({ root: '/srv', mounts: [mount('/')], namespaces }).at(-1)).toBe('- mount /proc (proc, rw)')
  })

  it('sees a second mount on the same place', () => {
    expect(changes({ mounts: [...state.mounts, mount('/proc', { type: 'proc' })] })).toEqual(['+ mount /proc (proc, rw)'])
  })

  it('counts what is too much to list', () => {
    const many = Array.from({ length: 20 }, (_, index) => mount(`/m${index}`, { propagation: 'shared' }))
    const [line] = changes({ mounts: [...state.mounts, ...many] })
    expect(line).toMatch(/^\+ 20 mounts: \/m0 \/m1 /)
    expect(changes({ mounts: many.map((one) => ({ ...one, propagation: 'private' })) }, { mounts: many })).toEqual([
      'propagation of 20 mounts shared → private',
    ])
    expect(changes({ mounts: many.map((one) => ({ ...one, propagation: 'slave' })) }, { mounts: many })).toEqual([
      'propagation of 20 mounts shared → slave',
    ])
  })

  it('names capabilities', () => {
    const without = all & ~(1n << 21n)
    expect(changes({ capabilities: { ...state.capabilities, CapEff: without } })).toEqual(['- CapEff sys_admin'])
    expect(changes({ capabilities: { ...state.capabilities, CapAmb: 1n << 13n } })).toEqual(['+ CapAmb net_raw'])
    expect(changes({ capabilities: { ...state.capabilities, CapEff: 0n } })).toEqual(['CapEff 41 → 0 capabilities'])
    expect(changes({ capabilities: { ...state.capabilities, CapEff: 1n, CapPrm: 1n } })).toEqual(['CapPrm, CapEff 41 → 1 capabilities'])
    const [few] = changes({ capabilities: { ...state.capabilities, CapBnd: 0xa80425fbn } })
    expect(few).toMatch(/^CapBnd 41 → 14 capabilities: lost .*sys_admin/)
  })

  it('shows ids, maps, filters, limits, cgroups, links and descriptors', () => {
    expect(
      changes({
        uidMap: ['0 100000 65536'],
        setgroups: 'deny',
        uids: [1000, 1000, 1000, 1000],
        groups: [4, 24],
        noNewPrivs: 1,
        seccomp: 'filter',
        seccompFilters: 1,
        limits: { 'open files': '64 64 files' },
        cgroups: { memory: '/box', '': '/' },
        links: ['lo', 'eth0'],
        descriptors: { 0: '/dev/null', 3: 'socket' },
        root: '/new',
        session: 7,
        program: '/bin/sleep',
        hostname: 'box',
      }),
    ).toEqual([
      'host name "dock" → "box"',
      'program /shim → /bin/sleep',
      'session 1 → 7',
      'uid_map, as the host counts: empty → 0 100000 65536',
      'setgroups allow → deny',
      'user ids as the host sees them 0 0 0 0 → 1000 1000 1000 1000',
      'supplementary groups none → 4 24',
      'NoNewPrivs 0 → 1',
      'Seccomp off → filter',
      'seccomp filters 0 → 1',
      'limit open files 1024 4096 files → 64 64 files',
      'cgroup memory / → /box',
      'root directory / → /new',
      '+ network device eth0',
      '+ descriptor 3 socket',
    ])
  })
})
