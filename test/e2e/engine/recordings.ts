/** What Docker's daemon did when the session was played, as record.ts has kept it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Recording } from './player.js'

const recordingFile = (version: string, place: string): string => join(place, 'recordings', `docker-${version}.json`)

/** Of a version of the command line; undefined when nobody has recorded it. `place`: the directory of the test. */
export function readRecording(version: string, place: string = import.meta.dirname): Recording | undefined {
  const file = recordingFile(version, place)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recording) : undefined
}

/** A line for each command, so that a change can be read. */
export function writeRecording(version: string, recording: Recording, place: string = import.meta.dirname): void {
  const acts = Object.entries(recording).map(([name, { commands, events }]) => {
    const lines = commands.map((command) => JSON.stringify(command)).join(',\n')
    return `${JSON.stringify(name)}: {"events": ${JSON.stringify(events)}, "commands": [\n${lines}\n]}`
  })
  writeFileSync(recordingFile(version, place), `{\n${acts.join(',\n')}\n}\n`)
}
