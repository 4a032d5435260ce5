/** Lesson 3's exercises in both directions, and the helper that it gives to learners. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import lesson from '../../lessons/03-capabilities/lesson.js'
import { forbid } from '../../lib/index.js'
import { run, verdictWords } from '../../lib/primitives/seccomp/index.js'
import { numberOf } from '../../lib/primitives/seccomp/simulate.js'
import { checkExercise } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { verifyLesson } from '../../lib/tutor/verify.js'
import { requires } from '../support/requires.js'

describe('the exercises of lesson 3', () => {
  test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
    const results = await verifyLesson(lesson)
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect(results.length).toBe(lesson.exercises.length * 4)
    for (const { exercise, program, passed, saw } of results)
      if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
  })
})

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-3-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  /** The verdict on a function of these steps, with what the library exports in scope. */
  async function verdictOn(id: string, steps: string) {
    const file = join(directory, `${id}-${randomBytes(3).toString('hex')}.mts`)
    const library = pathToFileURL(join(import.meta.dirname, '../../lib/index.ts')).href
    const names = Object.keys(await import('../../lib/index.js')).join(', ')
    const argument = '{ keep, user, program, forbidden, allowed, answer }'
    writeFileSync(file, `import { ${names} } from ${JSON.stringify(library)}\nexport const ${id} = (${argument}) => [${steps}]\n`)
    return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, file)
  }
  const others = 'ALL_CAPABILITIES.filter((one) => !keep.includes(one)).map((one) => capbset_drop(one, { allow: ["EINVAL"] }))'
  const all = 'ALL_CAPABILITIES.map((one) => capbset_drop(one, { allow: ["EINVAL"] }))'
  const sleep = 'execve("/bin/sleep", ["sleep", "60"])'

  test('a program that did not stay is quoted', { timeout: 240_000 }, async () => {
    const { saw } = await verdictOn('weakRoot', 'clone(), execve("/bin/sh", ["sh", "-c", "echo first; echo why not >&2; exit 3"])')
    expect(saw).toEqual(['the process is not there any more: it has exited with 3. Its last words: why not'])
  })

  test('what a constructor refuses is told as it says it', { timeout: 240_000 }, async () => {
    const { saw } = await verdictOn('silence', 'clone(), forbid("nosuchcall", { answer })')
    expect(saw.join()).toMatch(/^Your function silence: 'nosuchcall' is no system call .*\(at .*:\d+:\d+\)\.$/)
  })

  test('capset alone does not make a weak root, and an execve brings all back', { timeout: 240_000 }, async () => {
    const alone = 'clone(), capset({ effective: keep, permitted: keep, inheritable: [] })'
    for (const [steps, fitting] of [
      [alone, 1],
      [`${alone}, ${sleep}`, 3],
    ] as const) {
      const { passed, saw, hint } = await verdictOn('weakRoot', steps)
      expect({ passed, hint }).toEqual({ passed: false, hint: fitting })
      expect(saw[0]).toMatch(/^the bounding set has too much/)
    }
    expect(await verdictOn('weakRoot', `clone(), ...${others}`)).toMatchObject({ passed: false, hint: 1 })
    const late = await verdictOn('weakRoot', `clone(), capset({ effective: [], permitted: [], inheritable: [] }), ...${others}`)
    expect(late.saw.join()).toMatch(/capbset_drop.*EPERM/)
  })

  test('a silent call is one that the filter answers, with the error that was asked for', { timeout: 240_000 }, async () => {
    expect(await verdictOn('silence', 'clone(), forbid(forbidden)')).toMatchObject({ passed: false, hint: 3 })
    expect(await verdictOn('silence', 'clone(), forbid(allowed, { answer })')).toMatchObject({ passed: false, hint: 2 })
    expect(await verdictOn('silence', 'clone(), forbid([forbidden, allowed], { answer })')).toMatchObject({ passed: false, hint: 4 })
    // The shim may be filtered instead, before the child is made: the child inherits it.
    expect(await verdictOn('silence', 'forbid(forbidden, { answer }), clone()')).toMatchObject({ passed: true })
  })

  requires('root')(
    'a capability is lost with the user without keepcaps, and with the execve without ambient',
    { timeout: 240_000 },
    async () => {
      const ids = 'setresgid(user), setresuid(user)'
      expect(await verdictOn('keepOne', `clone(), ${ids}, ${sleep}`)).toMatchObject({ passed: false, hint: 3 })
      expect(await verdictOn('keepOne', `clone(), ${ids}`)).toMatchObject({ passed: false, hint: 2 })
      const only = 'capset({ effective: [keep], permitted: [keep], inheritable: [] })'
      const kept = await verdictOn('keepOne', `clone(), set_keepcaps(true), ${ids}, ${only}, ${sleep}`)
      expect(kept).toMatchObject({ passed: false, hint: 3 })
      expect(kept.saw[0]).toMatch(/^the permitted set lacks CAP_/)
    },
  )

  requires('root')('each half of noNewPower is missed', { timeout: 240_000 }, async () => {
    const run = 'execve(program, ["sleep", "600"])'
    const without = await verdictOn('noNewPower', `clone(), ...${all}, setresgid(user), setresuid(user), ${run}`)
    expect(without.saw).toEqual(expect.arrayContaining(['NoNewPrivs is 0', expect.stringMatching(/^its user ids .* are \d+, 0, 0;/)]))
    expect(without.hint).toBe(1)
    const full = await verdictOn('noNewPower', `clone(), setresgid(user), setresuid(user), set_no_new_privs(), ${run}`)
    expect(full).toMatchObject({ passed: false, hint: 2 })
    const another = await verdictOn('noNewPower', `clone(), ...${all}, setresgid(user), setresuid(user), set_no_new_privs(), ${sleep}`)
    expect(another).toMatchObject({ passed: false, hint: 4, saw: [expect.stringMatching(/^the process runs \/bin\/sleep, not \/srv\//)] })
  })
})

describe('forbid', () => {
  const programOf = (step: ReturnType<typeof forbid>) => {
    const args = step.args[2]
    const filter = args?.kind === 'struct' ? args.fields[1]?.value : undefined
    return filter?.kind === 'bytes' ? filter.bytes : new Uint8Array()
  }
  const answer = (step: ReturnType<typeof forbid>, call: string) => verdictWords(run(programOf(step), { number: numberOf(call) }))

  test('answers these calls with the error, and lets all others pass', () => {
    expect(answer(forbid('mkdirat'), 'mkdirat')).toBe('errno EPERM')
    expect(answer(forbid('mkdirat'), 'getpid')).toBe('allow')
    const several = forbid(['mkdirat', 'uname'], { answer: 'EXDEV' })
    expect(['mkdirat', 'uname', 'chdir'].map((call) => answer(several, call))).toEqual(['errno EXDEV', 'errno EXDEV', 'allow'])
    expect(answer(forbid('mkdirat', { answer: 'kill' }), 'mkdirat')).toBe('kill process')
  })

  test('refuses what is no call, no error, or needed by the child itself', () => {
    expect(() => forbid('mkdirs')).toThrow(/'mkdirs' is no system call/)
    expect(() => forbid('mkdirat', { answer: 'ENONSENSE' })).toThrow(/ENONSENSE/)
    for (const call of ['read', 'write', 'execve']) expect(() => forbid(call)).toThrow(new RegExp(`still needs ${call}`))
  })
})
