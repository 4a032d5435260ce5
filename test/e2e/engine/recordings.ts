/** What Docker's daemon did when the session was played, as record.ts has kept it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DockerProgram, dockerPrograms } from '../../support/engines/clients.js'
import type { Recording } from './player.js'

const recordingFile = (version: string, place: string): string => join(place, 'recordings', `docker-${version}.json`)

/** Of a version of the command line; undefined when nobody has recorded it. `place`: the directory of the test. */
export function readRecording(version: string, place: string = import.meta.dirname): Recording | undefined {
  const file = recordingFile(version, place)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recording) : undefined
}

/** A line for each command, so that a change can be read. */
function writeRecording(version: string, recording: Recording, place: string): void {
  const acts = Object.entries(recording).map(([name, { commands, events }]) => {
    const lines = commands.map((command) => JSON.stringify(command)).join(',\n')
    return `${JSON.stringify(name)}: {"events": ${JSON.stringify(events)}, "commands": [\n${lines}\n]}`
  })
  writeFileSync(recordingFile(version, place), `{\n${acts.join(',\n')}\n}\n`)
}

/** Has it played on Docker's daemon by each docker command line of this machine, and keeps what that did. */
export async function record(played: (program: DockerProgram) => Promise<Recording>, place: string = import.meta.dirname): Promise<void> {
  // What the private host is tidied with at its end shall not start an engine for that.
  process.env.DRYDOCK_ENGINE = 'none'
  for (const program of dockerPrograms()) {
    const began = performance.now()
    const recording = await played(program)
    const failed = Object.entries(recording).filter(([, { failure }]) => failure !== undefined)
    for (const [name, { failure }] of failed) console.error(`${name}: ${failure}`)
    if (failed.length > 0) throw new Error('nothing is kept of what failed')
    writeRecording(program.version, recording, place)
    console.log(`docker ${program.version}: ${Object.keys(recording).length} acts in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
}
