/**
 * Lessons play through by themselves on cgroup v2: those whose numbers are in $DRYDOCK_LESSONS_PLAYED. The last lesson, with two hosts, takes as long here as half
 * of the others together, and the two guests play it between them anyway (replay.ts).
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findLessons } from '../../../lib/tutor/lessons.js'

const program = 'import("./lib/tutor/main.js").then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))'

const played = (process.env.DRYDOCK_LESSONS_PLAYED ?? '').split(' ').map(Number)
const lessons = findLessons().filter(({ number }) => played.includes(number))

for (const { number, folder } of lessons) {
  test(`lesson ${folder} plays through`, () => {
    const home = mkdtempSync(join(tmpdir(), 'drydock-lesson-'))
    const env = { ...process.env, HOME: home, DRYDOCK_STATE_DIR: join(home, 'state'), DRYDOCK_WORKSPACE: join(home, 'workspace') }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program, '--', String(number), '--auto'], {
      env,
      encoding: 'utf8',
    })
    rmSync(home, { recursive: true })
    if (status !== 0) console.log(`${stdout}${stderr}`)
    expect(status).toBe(0)
  })
}
