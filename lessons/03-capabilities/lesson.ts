/** Lesson 3: root, in pieces. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'

export default lesson({
  number: 3,
  name: 'capabilities',
  title: 'Root, in pieces',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [],
  exercises,
})
