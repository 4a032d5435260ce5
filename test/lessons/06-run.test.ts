/** Lesson 6's exercises in both directions. */
import { describe, expect, test } from 'vitest'
import lesson from '../../lessons/06-run/lesson.js'
import { verifyLesson } from '../../lib/tutor/verify.js'

describe('the exercises of lesson 6', () => {
  test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 120_000 }, async () => {
    const results = await verifyLesson(lesson)
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect(results.length).toBe(lesson.exercises.length * 4)
    for (const { exercise, program, passed, saw } of results) {
      if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
      else if (program === 'exercise') expect(saw.length, exercise).toBeGreaterThan(0)
    }
  })
})
