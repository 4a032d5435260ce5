/** What lessons say of their own scenes. */
import { describe, expect, test } from 'vitest'
import { findLessons, loadLesson } from '../../lib/tutor/lessons.js'

describe.each(findLessons())('lesson $number', (entry) => {
  test('has each of its exercises in one scene', async () => {
    const { scenes, exercises } = await loadLesson(entry)
    expect(scenes.flatMap((scene) => scene.exercises ?? []).sort()).toEqual(exercises.map(({ id }) => id).sort())
  })
})
