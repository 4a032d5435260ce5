/**
 * The Engine API beside Docker's: the same requests, group by group of its endpoints, for Docker's daemon and for drydock's. Status, headers, members and types of
 * the answers are the same, but for what docs/COMPATIBILITY.md lists with a reason; and what it lists is really so.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { judge, readCompatibility, readTable } from '../../support/differences.js'
import { NEEDS, TestEngine } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { GROUPS } from './groups.js'
import { differencesBetween, type Exchange, Player } from './player.js'

/** Milliseconds. */
const PATIENCE = 240_000

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

describe('answers as Docker’s does:', () => {
  const rows = readTable(readCompatibility('endpoints'))
  for (const name of Object.keys(GROUPS)) {
    requires(...needs)(name, () => {
      const [docker, drydock] = played[name] as [Exchange[], Exchange[]]
      const { unlisted, unseen } = judge(name, differencesBetween(docker, drydock), rows)
      expect({ unlisted, unseen: unseen.filter((what) => isOf(name, what)) }).toEqual({ unlisted: [], unseen: [] })
    })
  }

  /** A row of all groups need not be seen in each. */
  function isOf(group: string, what: string): boolean {
    return rows.some((row) => row.what === what && row.runs !== 'all' && row.runs.length === 1 && row.runs[0] === group)
  }
})
