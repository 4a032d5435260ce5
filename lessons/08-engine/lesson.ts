/** Lesson 8: two programs and a socket. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'
import { aSocket } from './scenes/socket.js'

export default lesson({
  number: 8,
  name: 'engine',
  title: 'Two programs and a socket',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [{ heading: 'A file that one can knock at', play: aSocket }],
  exercises,
})
