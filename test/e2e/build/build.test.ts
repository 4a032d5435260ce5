/**
 * Dockerfiles, right ones and wrong ones, built by unmodified docker command lines without BuildKit, by Docker's daemon (as recorded) and by drydock's: the same exit
 * status, the same lines, the same images, the same events. What differs is in docs/DIFFERENCES.md.
 */

import { expect } from 'vitest'
import { judge, readPart, readTable } from '../../support/differences.js'
import { dockerPrograms } from '../../support/engines/clients.js'
import { NEEDS } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { type Held, holds, isRecordedRight } from '../engine/held.js'
import { readRecording } from '../engine/recordings.js'
import { played } from './played.js'
import { SESSION } from './session.js'

/**
 * What is played, unless all of it is wanted: it takes its time, most of which is docker's command line's. Dockerfiles that are wrong by their words alone are held
 * against the same recordings in test/lib/image/dockerfile. The other command line asks for the same things, and Docker's daemon is slow.
 */
const ALL = process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : undefined
const MOST = ['a build and its cache', 'every instruction', 'added archives', 'arguments', 'replacement', 'what is left out', 'built upon']
const FEW = ['a context that comes in']
const AGAIN = ALL ?? ['added archives']

const listed = () => readTable(readPart('an engine') + readPart('a build'))
const helds: Held[] = []
const able = missing(NEEDS.dockerd).length === 0
const programs = able ? dockerPrograms() : []
if (!able) requires(...NEEDS.dockerd)('builds as with Docker’s daemon', () => undefined)

for (const [index, program] of programs.entries()) {
  const recorded = readRecording(program.version, import.meta.dirname)
  const acts = ALL ?? (index === 0 ? MOST : FEW)
  helds.push(holds(`docker ${program.version} builds with drydock`, { program, recorded, acts, played, listed }))
  if (index > 0 || !recorded) continue
  isRecordedRight(`docker ${program.version} builds with Docker's daemon`, { program, recorded, acts: AGAIN, played })
}

if (ALL) {
  requires(...NEEDS.drydock)('what is listed is so', () => {
    const unseen = ALL.flatMap((act) => {
      const seen = helds.flatMap((held) => held.get(act) ?? [])
      const rows = readTable(readPart('a build')).filter(({ runs }) => runs !== 'all')
      return judge(act, seen, rows).unseen.map((what) => `${act}: ${what}`)
    })
    expect(unseen).toEqual([])
  })
}
