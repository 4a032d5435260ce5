/** Lesson 8: two programs and a socket. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { exercises } from './exercises.js'
import { whatDrivesIt } from './scenes/before.js'
import { runAndKeep } from './scenes/build.js'
import { byHand } from './scenes/by-hand.js'
import { killed } from './scenes/killed.js'
import { itsLayer } from './scenes/layer.js'
import { whatRunSays } from './scenes/run.js'
import { aSocket } from './scenes/socket.js'
import { happyWhales } from './scenes/whales.js'
import { whoMayAsk } from './scenes/who.js'
import { words } from './scenes/words.js'

const CONTAINERS = ['overlay', USERLAND] as const
/** Those of which nothing is said of a network. */
const PLUGGED = [...CONTAINERS, 'default-network'] as const

export default lesson({
  number: 8,
  name: 'engine',
  title: 'Two programs and a socket',
  directory: new URL('./', import.meta.url),
  needs: ['bottle', 'kernel:5.12'],
  scenes: [
    { heading: 'A file that one can knock at', exercises: ['server'], play: aSocket },
    { heading: 'Is anybody there?', play: byHand },
    { heading: 'What run says', needs: PLUGGED, exercises: ['create', 'attach'], play: whatRunSays },
    { heading: 'Happy whales', needs: PLUGGED, play: happyWhales },
    { heading: 'A directory and a record', needs: PLUGGED, exercises: ['plant'], play: itsLayer },
    { heading: 'Run, and keep it', needs: PLUGGED, play: runAndKeep },
    { heading: 'kill -9', needs: PLUGGED, play: killed },
    { heading: 'Who may ask', needs: CONTAINERS, play: whoMayAsk },
    { heading: 'What is between them', needs: PLUGGED, play: whatDrivesIt },
    { heading: 'What Docker calls it', needs: PLUGGED, play: words },
  ],
  exercises,
})
