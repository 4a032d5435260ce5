/**
 * The session, typed into unmodified docker command lines, against Docker's daemon (as recorded) and against drydock's: the same exit status, the same
 * lines, the same requests in the same order, the same documents, the same events. What differs is in docs/DIFFERENCES.md.
 */
import { beforeAll, describe, expect } from 'vitest'
import { judge, readPart, readTable } from '../../support/differences.js'
import { DockerClient, dockerPrograms } from '../../support/engines/clients.js'
import { type EngineKind, NEEDS, TestEngine } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { differencesOf } from './compare.js'
import { play, type Recording } from './player.js'
import { readRecording } from './recordings.js'
import { SESSION } from './session.js'

/** Milliseconds. */
const PATIENCE = 300_000

/** Docker's daemon takes its time: of its side only the beginning is played again, unless all of it is wanted. */
const AGAIN = process.env.DRYDOCK_RECORDINGS === 'all' ? Object.keys(SESSION) : Object.keys(SESSION).slice(0, 9)

async function played(kind: EngineKind, program: ReturnType<typeof dockerPrograms>[number], acts: readonly string[]): Promise<Recording> {
  const engine = await TestEngine.open(kind)
  const client = new DockerClient(program, engine.socket)
  try {
    return await play(Object.fromEntries(acts.map((name) => [name, SESSION[name] as (typeof SESSION)[string]])), engine, client)
  } finally {
    client.remove()
    await engine.close()
  }
}

const programs = missing(NEEDS.dockerd).length === 0 ? dockerPrograms() : []

for (const [index, program] of programs.entries()) {
  const recorded = readRecording(program.version)

  describe(`docker ${program.version} with drydock`, () => {
    const made: { expected?: Recording; got?: Recording } = {}
    beforeAll(async () => {
      if (missing(NEEDS.drydock).length > 0) return
      made.expected = recorded ?? (await played('dockerd', program, Object.keys(SESSION)))
      made.got = await played('drydock', program, Object.keys(SESSION))
    }, PATIENCE)
    for (const name of Object.keys(SESSION)) {
      requires(...NEEDS.drydock)(name, () => {
        const [expected, got] = [made.expected?.[name], made.got?.[name]]
        if (!expected || !got) throw new Error(`${name} was not played`)
        expect(got.failure).toBeUndefined()
        expect(judge(name, differencesOf(name, expected, got), readTable(readPart('an engine'))).unlisted).toEqual([])
      })
    }
  })

  if (index > 0 || !recorded) continue
  describe(`docker ${program.version} with Docker's daemon`, () => {
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
