/** Lesson 5: a cable, a switch, a router. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'
import { theSwitch } from './scenes/bridge.js'
import { cable } from './scenes/cable.js'
import { goneWithIt } from './scenes/gone.js'
import { hops } from './scenes/hops.js'
import { names } from './scenes/names.js'
import { masquerade } from './scenes/nat.js'
import { publish } from './scenes/publish.js'
import { emptyRoom } from './scenes/room.js'
import { defaultRoute, router } from './scenes/way-out.js'

export default lesson({
  number: 5,
  name: 'network',
  title: 'A cable, a switch, a router',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'An empty room', play: emptyRoom },
    { heading: 'A cable', needs: ['links'], exercises: ['cable'], play: cable },
    { heading: 'A switch', needs: ['links'], exercises: ['bridge'], play: theSwitch },
    { heading: 'The way out', needs: ['links'], play: defaultRoute },
    { heading: 'A host is not a router', needs: ['links'], exercises: ['gateway'], play: router },
    { heading: 'An address that nobody knows', needs: ['links', 'nat'], play: masquerade },
    { heading: 'Names', needs: ['links'], play: names },
    { heading: 'A way in', needs: ['links', 'nat'], exercises: ['publish'], play: publish },
    { heading: 'Hop by hop', needs: ['links'], play: (stage) => hops(stage) },
    { heading: 'The cable goes with the room', needs: ['links'], play: goneWithIt },
  ],
  exercises,
})
