/**
 * The session, typed into unmodified docker command lines, against Docker's daemon (as recorded) and against drydock's: the same exit status, the same
 * lines, the same requests in the same order, the same documents, the same events. What differs is in docs/DIFFERENCES.md.
 */
import { readPart, readTable } from '../../support/differences.js'
import { dockerPrograms } from '../../support/engines/clients.js'
import { NEEDS } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { holds, isRecordedRight, type Played } from './held.js'
import { playOn } from './player.js'
import { readRecording } from './recordings.js'
import { SESSION } from './session.js'

/** Docker's daemon takes its time: of its side only the beginning is played again, unless all of it is wanted. */
const AGAIN = process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : Object.keys(SESSION).slice(0, 9)

const played: Played = (...what) => playOn(SESSION, ...what)
const listed = () => readTable(readPart('an engine'))
const able = missing(NEEDS.dockerd).length === 0
const programs = able ? dockerPrograms() : []
if (!able) requires(...NEEDS.dockerd)('answers as Docker’s daemon does', () => undefined)

for (const [index, program] of programs.entries()) {
  const recorded = readRecording(program.version)
  holds(`docker ${program.version} with drydock`, { program, recorded, acts: Object.keys(SESSION), played, listed })
  if (index > 0 || !recorded) continue
  isRecordedRight(`docker ${program.version} with Docker's daemon`, { program, recorded, acts: AGAIN, played })
}
