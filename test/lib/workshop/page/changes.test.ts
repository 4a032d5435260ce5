import { describe, expect, it } from 'vitest'
import { deltaBetween } from '../../../../lib/picture/delta.js'
import type { Picture, Tables } from '../../../../lib/picture/types.js'
import { changesOf } from '../../../../lib/workshop/page/changes.js'
import { NO_MARKS, withChanges } from '../../../../lib/workshop/page/marks.jsx'
import { pictureOf } from '../../../support/pictures.js'

const words = (before: Picture, after: Picture) => changesOf(before, deltaBetween(before, after)).map((one) => one.words)

function changed<T extends keyof Tables>(picture: Picture, table: T, key: string, change: object): Picture {
  const things = picture.tables[table] as Readonly<Record<string, object>>
  return { ...picture, tables: { ...picture.tables, [table]: { ...things, [key]: { ...things[key], ...change } } } }
}

describe('changes in words', () => {
  it('say who has come, and who has gone', () => {
    const [none, one] = [pictureOf(0), pictureOf(1)]
    expect(words(none, one)).toEqual(
      expect.arrayContaining([
        'process 1001 (sh) is there; it calls itself 1',
        'a new net namespace 4026540003',
        'a new cgroup /drydock/000000000000',
        'a new interface veth0 in net namespace 4026531837',
        'an overlay of 2 layers at /',
      ]),
    )
    expect(words(one, none)).toEqual(expect.arrayContaining(['process 1001 (sh) is gone', 'net namespace 4026540003 is gone']))
  })

  it('say what a process became', () => {
    const one = pictureOf(1)
    const namespaces = one.host.namespaces
    const say = (change: object) => words(one, changed(one, 'processes', '1001', change))
    expect(say({ name: 'nginx', command: 'nginx' })).toEqual(['process 1001 was sh and is nginx'])
    expect(say({ state: 'Z' })).toEqual(['process 1001 (sh) has ended and waits to be collected: a zombie'])
    expect(say({ noNewPrivs: true })).toEqual(['process 1001 (sh) can gain no more privileges'])
    expect(say({ namespaces: { ...one.tables.processes[1001]?.namespaces, uts: namespaces.uts } })).toEqual([
      `process 1001 (sh) is in another uts namespace: ${namespaces.uts}`,
    ])
  })

  it('say what the kernel held back', () => {
    const one = pictureOf(1)
    const key = '/drydock/000000000000'
    const before = one.tables.cgroups[key]
    const say = (change: object) => words(one, changed(one, 'cgroups', key, change))
    expect(say({ memory: { ...before?.memory, oomKills: 1 } })).toEqual([`cgroup ${key}: out of memory, 1 process killed`])
    expect(say({ cpu: { ...before?.cpu, throttled: 13 } })).toEqual([`cgroup ${key} is throttled`])
    expect(say({ pids: { ...before?.pids, refused: 2, max: null } })).toEqual([
      `cgroup ${key}: no limit of processes`,
      `cgroup ${key}: a fork was refused`,
    ])
    expect(say({ frozen: true })).toEqual([`cgroup ${key} is frozen`])
  })

  it('leave out what always moves', () => {
    const one = pictureOf(1)
    const cgroup = one.tables.cgroups['/drydock/000000000000']
    const moving = changed(
      changed(changed(one, 'processes', '1001', { resident: 9999, threads: 3, state: 'R' }), 'cgroups', '/drydock/000000000000', {
        memory: { ...cgroup?.memory, current: 1 },
        cpu: { ...cgroup?.cpu, usage: 99 },
      }),
      'links',
      '4026540003/2',
      { received: { bytes: 10, packets: 1 } },
    )
    expect(words(one, moving)).toEqual([])
  })

  it('show what would move the cursor or turn a line round as what it is', () => {
    const none = pictureOf(0)
    const hostile = pictureOf(1, [{ name: 'a\u001b[2Jb', changes: [['/etc/\u202egpj.exe\n', 'new']] }])
    const said = words(none, hostile).join('|')
    expect(said).toContain('a\\u001b[2Jb')
    expect(said).toContain('etc/\\u202egpj.exe\\n is new')
  })
})

describe('marks', () => {
  it('are made again by what changes again, and go after their time', () => {
    const first = withChanges(NO_MARKS, [{ mark: 'processes/1', words: '' }], 1000)
    const second = withChanges(
      first,
      [
        { mark: 'processes/1', words: '' },
        { mark: 'links/2', words: '' },
      ],
      3000,
    )
    expect([first.turns.get('processes/1')?.turn, second.turns.get('processes/1')?.turn]).toEqual([1, 2])
    expect([...withChanges(second, [], 60_000).turns]).toEqual([])
  })
})
