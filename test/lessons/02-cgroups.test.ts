/** Lesson 2: both directions of its exercises. That it plays through is tested with all lessons in play.test.ts. */
import { expect, test } from 'vitest'
import lesson from '../../lessons/02-cgroups/lesson.js'
import { verifyLesson } from '../../lib/tutor/verify.js'

test('what is handed out fails, the solutions pass, and lies change nothing', async () => {
  for (const verification of await verifyLesson(lesson))
    expect(verification, `${verification.exercise} ${verification.program}`).toMatchObject({ ok: true })
}, 300_000)
