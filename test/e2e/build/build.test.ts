/**
 * Dockerfiles, right ones and wrong ones, built by unmodified docker command lines without BuildKit, by Docker's daemon (as recorded) and by drydock's: the same exit
 * status, the same lines, the same images, the same events. What differs is in docs/DIFFERENCES.md.
 */
import { beforeAll, describe, expect } from 'vitest'
import { judge, readPart, readTable } from '../../support/differences.js'
import { dockerPrograms } from '../../support/engines/clients.js'
import { NEEDS } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { differencesOf } from '../engine/compare.js'
import type { Recording } from '../engine/player.js'
import { readRecording } from '../engine/recordings.js'
import { played } from './played.js'
import { SESSION } from './session.js'

/** Milliseconds. */
const PATIENCE = 300_000

/** Builds in all; the other command line is only asked for some, since it asks the engine for the same things. */
const FEW = ['a build and its cache', 'several stages', 'a context that comes in', 'options']

/** Docker's daemon takes its time: of its side only the beginning is played again, unless all of it is wanted. */
const AGAIN = process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : ['a build and its cache']

const programs = missing(NEEDS.dockerd).length === 0 ? dockerPrograms() : []

for (const [index, program] of programs.entries()) {
  const recorded = readRecording(program.version, import.meta.dirname)
  const acts = index === 0 || process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : FEW

  describe(`docker ${program.version} builds with drydock`, () => {
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
        expect(judge(name, differencesOf(name, expected, got), readTable(readPart('an engine') + readPart('a build'))).unlisted).toEqual([])
      })
    }
  })

  if (index > 0 || !recorded) continue
  describe(`docker ${program.version} builds with Docker's daemon`, () => {
    const made: { again?: Recording } = {}
    beforeAll(async () => {
      made.again = await played('dockerd', program, AGAIN)
    }, PATIENCE)
    for (const name of AGAIN) {
      requires(...NEEDS.dockerd)(`${name}: is as it was recorded`, () => {
        expect(differencesOf(name, recorded[name] as Recording[string], made.again?.[name] as Recording[string])).toEqual([])
      })
    }
  })
}
