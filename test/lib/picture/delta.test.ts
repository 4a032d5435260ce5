import { describe, expect, test } from 'vitest'
import { applyDelta, deltaBetween, emptyPicture, isQuiet, TABLES } from '../../../lib/picture/delta.js'
import type { NamespaceView, Picture } from '../../../lib/picture/types.js'
import { pictureOf } from '../../support/pictures.js'

const { host: HOST } = pictureOf(0)

const namespace = (inode: number, members = 1): NamespaceView => ({ kind: 'uts', inode, host: false, drawn: [], members })

function picture(at: number, namespaces: Record<string, NamespaceView>, host = HOST): Picture {
  const empty = emptyPicture(host, at)
  return { ...empty, took: at / 10, tables: { ...empty.tables, namespaces } }
}

describe('two pictures', () => {
  const before = picture(10, { 'uts:1': namespace(1), 'uts:2': namespace(2) })
  const after = picture(20, { 'uts:2': namespace(2, 5), 'uts:3': namespace(3) })

  test('are told apart by what is new, what is other and what has gone', () => {
    expect(deltaBetween(before, after)).toEqual({
      at: 20,
      took: 2,
      set: { namespaces: { 'uts:2': namespace(2, 5), 'uts:3': namespace(3) } },
      gone: { namespaces: ['uts:1'] },
    })
  })

  test('the one and the difference make the other, there and back', () => {
    expect(applyDelta(before, deltaBetween(before, after))).toEqual(after)
    expect(applyDelta(after, deltaBetween(after, before))).toEqual(before)
  })

  test('what was not touched is the same object afterwards', () => {
    const made = applyDelta(before, deltaBetween(before, after))
    for (const name of TABLES) expect(made.tables[name] === before.tables[name], name).toBe(name !== 'namespaces')
  })

  test('the host is told when something of it has changed', () => {
    const busy = { ...HOST, load: [1, 0, 0] as const }
    expect(deltaBetween(before, picture(20, before.tables.namespaces, busy))).toEqual({ at: 20, took: 2, host: busy, set: {}, gone: {} })
    expect(applyDelta(before, { at: 20, took: 2, host: busy, set: {}, gone: {} }).host).toBe(busy)
  })

  test('nothing but the time is quiet', () => {
    expect(isQuiet(deltaBetween(before, picture(20, { 'uts:1': namespace(1), 'uts:2': namespace(2) })))).toBe(true)
    expect(isQuiet(deltaBetween(before, after))).toBe(false)
    expect(isQuiet(deltaBetween(before, picture(10, { 'uts:1': namespace(1) })))).toBe(false)
  })

  test('a name that every object has is a name like others', () => {
    const odd = { upper: '/u', path: 'constructor', kind: 'new', type: 'file', size: 1 } as const
    const empty = emptyPicture(HOST)
    const one = { ...empty, tables: { ...empty.tables, changes: { constructor: odd } } } as unknown as Picture
    expect(deltaBetween(empty, one).set.changes).toEqual({ constructor: odd })
    expect(deltaBetween(one, empty).gone.changes).toEqual(['constructor'])
  })
})
