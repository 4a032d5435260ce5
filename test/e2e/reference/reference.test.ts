/**
 * The Engine API beside Docker's: the same requests, group by group of its endpoints, for Docker's daemon and for drydock's. Status, headers, members and types of
 * the answers are the same, but for what docs/COMPATIBILITY.md lists with a reason; and what it lists is really so.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Difference, judge, readCompatibility, readTable } from '../../support/differences.js'
import { NEEDS, TestEngine } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { GROUPS } from './groups.js'
import { differencesBetween, type Exchange, Player } from './player.js'

/** Milliseconds. */
const PATIENCE = 600_000

const needs = [...NEEDS.dockerd, ...NEEDS.drydock]
const engines: TestEngine[] = []
const played: Record<string, readonly [Exchange[], Exchange[]]> = {}

beforeAll(async () => {
  if (missing(needs).length > 0) return
  engines.push(...(await Promise.all((['dockerd', 'drydock'] as const).map((kind) => TestEngine.open(kind)))))
  for (const [name, group] of Object.entries(GROUPS)) {
    const players = engines.map(({ api }) => new Player(api))
    await Promise.all(players.map((player) => group(player)))
    played[name] = players.map(({ exchanges }) => exchanges) as [Exchange[], Exchange[]]
  }
}, PATIENCE)
afterAll(() => Promise.all(engines.map((engine) => engine.close())), PATIENCE)

const rows = readTable(readCompatibility('endpoints'))

describe('answers as Docker’s does:', () => {
  for (const name of Object.keys(GROUPS)) {
    requires(...needs)(name, () => expect(judge(name, seenIn(name), rows).unlisted).toEqual([]))
  }
})

requires(...needs)('what is listed is so, in some group at least', () => {
  const idle = rows.filter(({ matches, runs }) => {
    const groups = Object.keys(GROUPS).filter((name) => runs === 'all' || runs.includes(name))
    return !groups.some((name) => seenIn(name).some(matches))
  })
  expect(idle.map(({ what }) => what)).toEqual([])
})

function seenIn(name: string): Difference[] {
  const [docker, drydock] = played[name] as readonly [Exchange[], Exchange[]]
  return differencesBetween(docker, drydock)
}
