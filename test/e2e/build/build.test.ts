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

/**
 * What is played, unless all of it is wanted: it takes its time, most of which is docker's command line's. Dockerfiles that are wrong by their words alone are held
 * against the same recordings in test/lib/image/dockerfile. The other command line asks for the same things, and Docker's daemon is slow.
 */
const ALL = process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : undefined
const MOST = ['a build and its cache', 'every instruction', 'added archives', 'arguments', 'replacement', 'what is left out', 'built upon']
const FEW = ['a context that comes in']
const AGAIN = ALL ?? ['added archives']

const programs = missing(NEEDS.dockerd).length === 0 ? dockerPrograms() : []

for (const [index, program] of programs.entries()) {
  const recorded = readRecording(program.version, import.meta.dirname)
  const acts = ALL ?? (index === 0 ? MOST : FEW)

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
