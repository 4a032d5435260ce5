import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { diffSnapshots, ownCgroups, type Seen, type Snapshot } from '../../../lib/kernel/snapshot.js'

const nothing: Snapshot = {
  things: { mounts: [], links: [], cgroups: [], rules: [], processes: [], files: [] },
  unreadable: {},
  settings: {},
  ipc: {},
}
const withMounts = (...mounts: Seen[]): Snapshot => ({ ...nothing, things: { ...nothing.things, mounts } })
const at = (name: string, detail = 'tmpfs') => ({ name, detail })

describe('the difference of two snapshots', () => {
  it('is nothing when they are the same, in whatever order', () => {
    expect(diffSnapshots(nothing, nothing)).toEqual([])
    expect(diffSnapshots(withMounts(at('/a'), at('/b')), withMounts(at('/b'), at('/a')))).toEqual([])
  })

  it('is a sentence for each thing that came, went or changed', () => {
    expect(diffSnapshots(withMounts(at('/a')), withMounts(at('/b')))).toEqual([
      'a mount is gone: /a (tmpfs)',
      'a mount is left over: /b (tmpfs)',
    ])
    expect(diffSnapshots(withMounts(at('/a', 'rw')), withMounts(at('/a', 'ro')))).toEqual(['a mount has changed: /a: was rw; is ro'])
    const after = { ...nothing, things: { ...nothing.things, cgroups: [at('/x', '')], links: [at('v0', 'index 7')] } }
    expect(diffSnapshots(nothing, after)).toEqual(['a network link is left over: v0 (index 7)', 'a cgroup is left over: /x'])
  })

  it('counts things that are there several times', () => {
    const [one, two] = [withMounts(at('/a')), withMounts(at('/a'), at('/a'))]
    expect(diffSnapshots(one, two)).toEqual(['a mount is left over: /a (tmpfs)'])
    expect(diffSnapshots(two, one)).toEqual(['a mount is gone: /a (tmpfs)'])
    expect(diffSnapshots(two, withMounts(at('/a'), at('/a', 'ext4')))).toEqual(['a mount has changed: /a: was tmpfs; is ext4'])
  })

  it('tells changed settings and counts', () => {
    const before = { ...nothing, settings: { 'net/ipv4/ip_forward': '0', gone: 'x' }, ipc: { 'message queues': 1 } }
    const after = { ...nothing, settings: { 'net/ipv4/ip_forward': '1' }, ipc: { 'message queues': 0, 'semaphore sets': 2 } }
    expect(diffSnapshots(before, after)).toEqual([
      'net.ipv4.ip_forward was "0" and is "1"',
      'gone was "x" and is "absent"',
      'the number of message queues was 1 and is 0',
      'the number of semaphore sets was 0 and is 2',
    ])
  })

  it('does not take what cannot be read for nothing', () => {
    const unreadable = { ...nothing, unreadable: { rules: 'nft is not installed' } }
    expect(diffSnapshots(unreadable, unreadable)).toEqual([])
    const full = { ...nothing, things: { ...nothing.things, rules: [at('ip drydock')] } }
    const said = ['an nft table may have changed, which cannot be said: not readable (nft is not installed)']
    expect(diffSnapshots(unreadable, full)).toEqual(said)
    expect(diffSnapshots(full, unreadable)).toEqual(said)
  })

  it('survives being written to a file', () => {
    const full = { ...withMounts(at('/a')), settings: { a: 'b' }, ipc: { c: 1 } }
    expect(diffSnapshots(JSON.parse(JSON.stringify(full)), full)).toEqual([])
  })
})

describe('our cgroups', () => {
  it('are all below a directory of ours, at the top of a tree or in a cgroup that we are in', () => {
    const top = mkdtempSync(join(tmpdir(), 'drydock-cgroups-'))
    const made = ['drydock/bottle/box', 'drydock/other', 'user/drydock/mine', 'user/session/drydock', 'stranger/drydock', 'drydocks/x']
    for (const directory of made) mkdirSync(join(top, directory), { recursive: true })
    writeFileSync(join(top, 'drydock/cgroup.procs'), '')
    try {
      const tree = { version: 1, controllers: ['memory'], mountPoint: top, root: '/' } as const
      const member = { hierarchy: 1, version: 1, controllers: ['memory'], path: '/user/session', deleted: false } as const
      const below = (names: string[]) => names.map((name) => join(top, name)).sort()
      const own = ['drydock', 'drydock/bottle', 'drydock/bottle/box', 'drydock/other']
      expect(ownCgroups([tree], []).sort()).toEqual(below(own))
      const ours = [...own, 'user/drydock', 'user/drydock/mine', 'user/session/drydock']
      expect(ownCgroups([tree], [member]).sort()).toEqual(below(ours))
      expect(ownCgroups([{ ...tree, mountPoint: join(top, 'absent') }], [member])).toEqual([])
    } finally {
      rmSync(top, { recursive: true })
    }
  })
})
