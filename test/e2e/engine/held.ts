/** For a file of tests: a session, typed into a docker command line, played on drydock's daemon and held against what Docker's daemon did. */
import { beforeAll, describe, expect } from 'vitest'
import { type Difference, judge, type Row } from '../../support/differences.js'
import type { DockerProgram } from '../../support/engines/clients.js'
import { type EngineKind, NEEDS } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { differencesOf } from './compare.js'
import type { Recording } from './player.js'

/** Milliseconds. */
const PATIENCE = 900_000

export type Played = (kind: EngineKind, program: DockerProgram, acts: readonly string[]) => Promise<Recording>

/** By act: what differs. */
export type Held = Map<string, readonly Difference[]>

/** Each act is as it was recorded, or as Docker's daemon does it now, but for the differences that are listed. What differs at all is in the answer when all of it was played. */
export function holds(
  title: string,
  {
    program,
    recorded,
    acts,
    played,
    listed,
  }: {
    readonly program: DockerProgram
    readonly recorded: Recording | undefined
    readonly acts: readonly string[]
    readonly played: Played
    readonly listed: () => readonly Row[]
  },
): Held {
  const held: Held = new Map()
  describe(title, () => {
    const made: { expected?: Recording; got?: Recording } = {}
    beforeAll(async () => {
      if (missing(NEEDS.drydock).length > 0) return
      made.expected = recorded ?? (await played('dockerd', program, acts))
      made.got = await played('drydock', program, acts)
    }, PATIENCE)
    for (const name of acts) {
      requires(...NEEDS.drydock)(name, () => {
        const [expected, got] = [made.expected?.[name], made.got?.[name]]
        if (!expected || !got) throw new Error(`${name} was not played`)
        expect(got.failure).toBeUndefined()
        const seen = differencesOf(name, expected, got)
        held.set(name, seen)
        expect(judge(name, seen, listed()).unlisted).toEqual([])
      })
    }
  })
  return held
}

/** The recording itself is what Docker's daemon does. */
export function isRecordedRight(
  title: string,
  {
    program,
    recorded,
    acts,
    played,
  }: {
    readonly program: DockerProgram
    readonly recorded: Recording
    readonly acts: readonly string[]
    readonly played: Played
  },
): void {
  describe(title, () => {
    const made: { again?: Recording } = {}
    beforeAll(async () => {
      made.again = await played('dockerd', program, acts)
    }, PATIENCE)
    for (const name of acts) {
      requires(...NEEDS.dockerd)(`${name}: is as it was recorded`, () => {
        expect(differencesOf(name, recorded[name] as Recording[string], made.again?.[name] as Recording[string])).toEqual([])
      })
    }
  })
}
