/** A container of drydock's and one of runc's, asked for the same, compared from inside. What differs is in docs/DIFFERENCES.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judge, readPart, readTable } from '../../support/differences.js'
import { PrivateHost } from '../../support/private-host.js'
import { missing, requires } from '../../support/requires.js'
import { byDrydock, byRunc, oneHierarchy, onHost, probeRoot, RUNS } from './runs.js'
import { differencesOf, type ProbeOutput, sightOf } from './sight.js'

const NEEDS = ['root', 'command:runc', 'command:busybox', 'command:unshare', 'command:ip'] as const
const able = missing(NEEDS).length === 0

let host: PrivateHost
let outside: ProbeOutput
let root: ReturnType<typeof probeRoot>
beforeAll(async () => {
  if (!able) return
  host = await PrivateHost.open()
  await oneHierarchy(host)
  root = probeRoot()
  outside = await onHost(host)
})
afterAll(async () => {
  if (!able) return
  root.remove()
  await host.close()
})

describe('a container seen from inside is as Docker’s, but for what is listed', () => {
  for (const [name, run] of Object.entries(RUNS)) {
    requires(...NEEDS)(name, async () => {
      const peer = sightOf(await byRunc(host, root.path, run), outside)
      const drydock = sightOf(await byDrydock(host, root.path, run), outside)
      // Both have looked at all that there is to see.
      expect(JSON.parse(peer.get('errors') as string)).toEqual({})
      expect(peer.size).toBeGreaterThan(300)
      expect(judge(name, differencesOf(peer, drydock), readTable(readPart('a container')))).toEqual({ unlisted: [], unseen: [] })
    })
  }
})

describe('the table', () => {
  test('is about runs that there are', () => {
    for (const { runs, what } of readTable(readPart('a container'), false)) {
      if (runs !== 'all') expect(Object.keys(RUNS), what).toEqual(expect.arrayContaining([...runs]))
    }
  })

  test('tells what is not listed from what was not seen', () => {
    const text = '| `a *` | plain | `1` | `*` | why |\n| `b` | all, cgroup v1 | `1` | `2` | why |\n| `c` | user | `1` | `2` | why |\n'
    const seen = [
      { key: 'a x', peer: '1', drydock: '2' },
      { key: 'a y', peer: '3', drydock: '2' },
    ]
    expect(judge('plain', seen, readTable(text, false))).toEqual({ unlisted: [seen[1]], unseen: ['`b`'] })
    expect(judge('plain', seen, readTable(text, true))).toEqual({ unlisted: [seen[1]], unseen: [] })
    expect(() => readTable('| `a` | all | `1` | `2` | |')).toThrow('a row of five cells is wanted')
    expect(() => readTable('| `a` | all | 1 | `2` | why |')).toThrow('a value stands between backquotes')
  })
})
