/** What the verbs ask of an engine, beside what docker's own client asks. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { main } from '../../../../lib/cli/main.js'
import { casesOf, ENVIRONMENT, EVERYTHING, essence, wordsOf } from '../../../support/record-creates.js'
import { type Recorder, record } from '../../../support/recorder.js'

const table = JSON.parse(readFileSync(new URL('./requests.json', import.meta.url), 'utf8')) as Record<string, object[]>

let place = ''
let engine: Recorder

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'requests-'))
  engine = await record(join(place, 'engine.sock'), '1.47', EVERYTHING)
  vi.stubEnv('DRYDOCK_ENGINE', undefined)
  vi.stubEnv('DOCKER_HOST', `unix://${join(place, 'engine.sock')}`)
  vi.stubEnv('DOCKER_CONFIG', place)
  for (const [name, value] of Object.entries(ENVIRONMENT)) vi.stubEnv(name, value)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await engine.close()
  rmSync(place, { recursive: true })
})

test.each(casesOf('requests'))('%s', async (line) => {
  const silent = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
  engine.asked.length = 0
  try {
    await main(wordsOf(line))
  } finally {
    for (const one of silent) one.mockRestore()
  }
  expect(engine.asked.map(essence)).toEqual(table[line])
})
