/** Lesson 3's exercises in both directions, and the helper that it gives to learners. */
import { describe, expect, test } from 'vitest'
import lesson from '../../lessons/03-capabilities/lesson.js'
import { forbid } from '../../lib/index.js'
import { run, verdictWords } from '../../lib/primitives/seccomp/index.js'
import { numberOf } from '../../lib/primitives/seccomp/simulate.js'
import { verifyLesson } from '../../lib/tutor/verify.js'

describe('the exercises of lesson 3', () => {
  test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 120_000 }, async () => {
    const results = await verifyLesson(lesson)
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect(results.length).toBe(lesson.exercises.length * 4)
    for (const { exercise, program, passed, saw } of results)
      if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
  })

  test('no hint is pointed to that is not there', () => {
    for (const { hints } of lesson.exercises) expect(hints.length).toBeGreaterThanOrEqual(3)
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
