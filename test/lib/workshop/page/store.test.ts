import { describe, expect, it } from 'vitest'
import { deltaBetween } from '../../../../lib/picture/delta.js'
import { Store } from '../../../../lib/workshop/page/store.js'
import { pictureOf } from '../../../support/pictures.js'

describe('what the page knows', () => {
  it('follows the pictures, and remembers the last minute of each cgroup', () => {
    const store = new Store()
    let told = 0
    store.subscribe(() => told++)
    store.hear({ kind: 'picture', picture: pictureOf(1, [], 1000) }, 0)
    for (let second = 2; second <= 70; second++) {
      const before = store.state.picture ?? pictureOf(0)
      const after = pictureOf(1, [], second * 1000)
      const cgroup = after.tables.cgroups['/drydock/000000000000'] as NonNullable<(typeof after)['tables']['cgroups'][string]>
      const busy = { ...cgroup, cpu: { usage: second * 500_000, max: null, periods: 0, throttled: 0, throttledTime: 0 } }
      const tables = { ...after.tables, cgroups: { [cgroup.path]: busy } }
      store.hear({ kind: 'changed', delta: deltaBetween(before, { ...after, tables }) }, second)
    }
    expect(told).toBe(70)
    const samples = store.state.history.get('/drydock/000000000000')
    expect(samples).toHaveLength(60)
    expect(samples?.at(-1)?.cpu).toBeCloseTo(0.5)
  })

  it('says what has changed, the newest first, and keeps the picture when the connection is lost', () => {
    const store = new Store()
    const [none, one] = [pictureOf(0, [], 1000), pictureOf(1, [], 2000)]
    store.hear({ kind: 'changed', delta: deltaBetween(none, one) }, 0)
    expect(store.state.picture).toBeUndefined()
    store.hear({ kind: 'picture', picture: none }, 0)
    store.hear({ kind: 'changed', delta: deltaBetween(none, one) }, 0)
    store.connection('lost')
    expect(store.state.connection).toBe('lost')
    expect(store.state.picture).toEqual(one)
    expect(store.state.log[0]?.words).toBe('process 1000 (shim) is there')
    expect(store.state.marks.turns.has('processes/1001')).toBe(true)
  })
})
