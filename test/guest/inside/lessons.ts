/**
 * Lessons play through by themselves on cgroup v2: all of them for root, for an ordinary user the one in which the version matters. The two guests share
 * them: $DRYDOCK_LESSONS_OF is `0` or `1`, the remainder of their numbers. The last lesson, with two hosts, takes as long here as half of the others together, and
 * the two guests play it between them anyway (replay.ts).
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findLessons } from '../../../lib/tutor/lessons.js'

const program = 'import("./lib/tutor/main.js").then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))'

const half = process.env.DRYDOCK_LESSONS_OF
const isHere = (number: number) => number < 9 && (half === undefined || number % 2 === Number(half))
const lessons = findLessons().filter(({ number, folder }) => (process.geteuid?.() === 0 ? isHere(number) : folder === '02-cgroups'))

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
