/**
 * Plays the builds against Docker's daemon and keeps what it did, for each docker command line of this machine:
 *
 *     node --import tsx test/e2e/build/record.ts
 */
import { record } from '../engine/recordings.js'
import { played } from './played.js'

await record((program) => played('dockerd', program), import.meta.dirname)
process.exit(0)
