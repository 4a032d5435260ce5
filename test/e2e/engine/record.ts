/**
 * Plays the session against Docker's daemon and keeps what it did, for each docker command line of this machine:
 *
 *     node --import tsx test/e2e/engine/record.ts
 */
import { playOn } from './player.js'
import { record } from './recordings.js'
import { SESSION } from './session.js'

await record((program) => playOn(SESSION, 'dockerd', program, Object.keys(SESSION)))
process.exit(0)
