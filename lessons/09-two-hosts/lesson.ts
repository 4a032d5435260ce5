/** Lesson 9: whose kernel, whose files? The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { exercises } from './exercises.js'
import { TwoHosts } from './ground.js'
import { aDoor } from './scenes/door.js'
import { whoseFiles } from './scenes/files.js'
import { atAPort } from './scenes/open.js'
import { whoseProcess } from './scenes/process.js'
import { whosePort } from './scenes/published.js'
import { fromAfar } from './scenes/remote.js'
import { rootForAll } from './scenes/root.js'
import { bySsh } from './scenes/ssh.js'
import { certificates } from './scenes/tls.js'
import { words } from './scenes/words.js'

const CONTAINERS = ['overlay', USERLAND] as const

export default lesson({
  number: 9,
  name: 'two-hosts',
  title: 'Whose kernel, whose files?',
  directory: new URL('./', import.meta.url),
  needs: ['bottle', 'links', 'kernel:5.12'],
  ground: () => TwoHosts.open('vm-1'),
  scenes: [
    { heading: 'A door to the street', exercises: ['doors', 'both'], play: aDoor },
    { heading: 'Port 2375', play: atAPort },
    { heading: 'From the other machine', needs: CONTAINERS, play: fromAfar },
    { heading: 'Whose process?', needs: CONTAINERS, play: whoseProcess },
    { heading: 'Whose files?', needs: [...CONTAINERS, 'default-network'], play: whoseFiles },
    { heading: 'Whose port?', needs: [...CONTAINERS, 'nat'], play: whosePort },
    { heading: 'Root for everybody', needs: CONTAINERS, exercises: ['errand'], play: rootForAll },
    { heading: 'Who are you?', needs: CONTAINERS, exercises: ['verify'], play: certificates },
    { heading: 'No port at all', play: bySsh },
    { heading: 'What Docker calls it', needs: CONTAINERS, play: words },
  ],
  exercises,
})
