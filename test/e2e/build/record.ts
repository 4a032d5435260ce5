/**
 * Plays the builds against Docker's daemon and keeps what it did, for each docker command line of this machine:
 *
 *     node --import tsx test/e2e/build/record.ts
 */
import { dockerPrograms } from '../../support/engines/clients.js'
import { writeRecording } from '../engine/recordings.js'
import { played } from './played.js'

// What the private host is tidied with at its end shall not start an engine for that.
process.env.DRYDOCK_ENGINE = 'none'

for (const program of dockerPrograms()) {
  const began = performance.now()
  const recording = await played('dockerd', program)
  const failed = Object.entries(recording).filter(([, { failure }]) => failure !== undefined)
  for (const [name, { failure }] of failed) console.error(`${name}: ${failure}`)
  if (failed.length > 0) throw new Error('nothing is kept of what failed')
  writeRecording(program.version, recording, import.meta.dirname)
  console.log(`docker ${program.version}: ${Object.keys(recording).length} acts in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
process.exit(0)
