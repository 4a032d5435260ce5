/** Lesson 6's exercises in both directions, and what goes wrong on the way there. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GROUPS } from '../../lessons/06-run/exercises.js'
import lesson from '../../lessons/06-run/lesson.js'
import { checkExercise } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { random } from '../../lib/tutor/random.js'
import { verifyLesson } from '../../lib/tutor/verify.js'

const exerciseOf = (id: string) => lesson.exercises.find((one) => one.id === id) as Exercise

describe('the exercises of lesson 6', () => {
  test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
    const results = await verifyLesson(lesson)
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect(results.length).toBe(lesson.exercises.length * 4)
    for (const { exercise, program, passed, saw } of results)
      if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
  })

  test('no shuffle of the groups is one that works, and none is missing', () => {
    for (let count = 0; count < 100; count++) {
      const order = exerciseOf('order').challenge(random).order as readonly string[]
      expect([...order].sort()).toEqual([...GROUPS].sort())
      expect(order.indexOf('filter')).toBeGreaterThan(order.indexOf('capabilities'))
    }
  })
})

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-6-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const url = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, '../..', path)).href)

  /** The verdict on a function that returns `steps`, written with what the library exports and the challenge in `given`. */
  async function verdictOn(id: string, steps: string) {
    const file = join(directory, `${id}-${randomBytes(3).toString('hex')}.mts`)
    const names = Object.keys(await import('../../lib/index.js')).join(', ')
    const source = `import { ${names} } from ${url('lib/index.ts')}\nimport * as solution from ${url('lessons/06-run/solution.ts')}\n`
    writeFileSync(file, `${source}export const ${id} = (given) => [${steps}].flat()\n`)
    return checkExercise(exerciseOf(id), file)
  }

  test('a container that lacks something is told what', { timeout: 120_000 }, async () => {
    const whole = (own: string, filter = 'seccomp({ profile: "default", capabilities: given.keep, noNewPrivileges: false })') =>
      `plan([namespaces({ ${own} }), rootfs(given), { primitive: "name", title: "", steps: inPhase("name", "container", [sethostname(given.hostname)]) }, ` +
      `program({ argv: given.argv, capabilities: dockerSets(given.keep, 0), lastCap: lastCapability(), filter: ${filter} })])`
    const all = 'mnt: "new", pid: "new", uts: "new", ipc: "new", net: "new"'
    expect(await verdictOn('run', whole(all))).toMatchObject({ passed: true })
    expect(await verdictOn('run', whole(all.replace(', ipc: "new"', '')))).toMatchObject({
      passed: false,
      hint: 5,
      saw: expect.arrayContaining(['it shares ipc with the bottle']),
    })
    expect(await verdictOn('run', whole(all, 'undefined'))).toMatchObject({
      passed: false,
      hint: 4,
      saw: [expect.stringMatching(/no filter/)],
    })
    const without = await verdictOn('run', `plan([namespaces({ ${all} }), program({ argv: given.argv })])`)
    expect(without).toMatchObject({ passed: false, hint: 2 })
    expect(without.saw).toEqual(
      expect.arrayContaining([expect.stringMatching(/^the “\/” of the process is/), expect.stringMatching(/no filter/)]),
    )
  })

  test('an order that does not work fails, wherever the mistake is', { timeout: 120_000 }, async () => {
    const swapped = (before: string, after: string) => {
      const works: string[] = [
        'clone',
        'private',
        'mounts',
        'root',
        'name',
        'sysctl',
        'mask',
        'filter',
        'bounding',
        'capabilities',
        'execute',
      ]
      works.splice(works.indexOf(before), 1)
      works.splice(works.indexOf(after) + 1, 0, before)
      return verdictOn('order', `${JSON.stringify(works)}.flatMap((name) => solution.groups(given)[name])`)
    }
    expect((await swapped('sysctl', 'mask')).saw.join()).toMatch(/EROFS/)
    expect((await swapped('filter', 'capabilities')).saw.join()).toMatch(/seccomp.*EACCES/)
    expect((await swapped('mask', 'filter')).saw.join()).toMatch(/mount.*EPERM/)
    expect((await swapped('private', 'mounts')).saw.join()).toMatch(/the bottle’s mounts are not as before/)
    expect(await swapped('clone', 'name')).toMatchObject({ passed: false })
    expect(await swapped('clone', 'execute')).toMatchObject({ passed: false })
  })

  test('a terminal that nobody holds hangs up, and one without a session is nobody’s', { timeout: 120_000 }, async () => {
    const solved = 'solution.terminal(given)'
    expect(await verdictOn('terminal', `${solved}.filter(({ call }) => call !== "pidfd_getfd")`)).toMatchObject({ passed: false, hint: 5 })
    const loose = `${solved}.filter(({ call, args }) => call !== "setsid" && !args.some(({ word }) => word === "tiocsctty"))`
    expect(await verdictOn('terminal', loose)).toMatchObject({ passed: false, hint: 3 })
    const small = await verdictOn('terminal', 'solution.terminal({ ...given, rows: 10 })')
    expect(small).toMatchObject({ passed: false, hint: 4, saw: [expect.stringMatching(/^the size is 10 lines of/)] })
  })
})
