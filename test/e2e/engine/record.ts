/**
 * Plays the session against Docker's daemon and keeps what it did, for each docker command line of this machine:
 *
 *     node --import tsx test/e2e/engine/record.ts
 */
import { DockerClient, dockerPrograms } from '../../support/engines/clients.js'
import { TestEngine } from '../../support/engines.js'
import { play } from './player.js'
import { writeRecording } from './recordings.js'
import { SESSION } from './session.js'

// What the private host is tidied with at its end shall not start an engine for that.
process.env.DRYDOCK_ENGINE = 'none'

for (const program of dockerPrograms()) {
  const engine = await TestEngine.open('dockerd')
  const client = new DockerClient(program, engine.socket)
  try {
    const began = performance.now()
    const recording = await play(SESSION, engine, client)
    const failed = Object.entries(recording).filter(([, { failure }]) => failure !== undefined)
    for (const [name, { failure }] of failed) console.error(`${name}: ${failure}`)
    if (failed.length > 0) throw new Error('nothing is kept of what failed')
    writeRecording(program.version, recording)
    console.log(`docker ${program.version}: ${Object.keys(recording).length} acts in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  } finally {
    client.remove()
    await engine.close()
  }
}
process.exit(0)
