/** Lesson 4: another world under the same kernel. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { exercises } from './exercises.js'
import { outAgain } from './scenes/climb.js'
import { whatIsMissing } from './scenes/devices.js'
import { diffDirectory } from './scenes/diff.js'
import { dockersWords } from './scenes/docker.js'
import { covered } from './scenes/masks.js'
import { tracingPaper } from './scenes/overlay.js'
import { noWayOut, refusals } from './scenes/pivot.js'
import { twoPointers } from './scenes/pointers.js'
import { twoShips } from './scenes/shared.js'
import { volumes } from './scenes/volumes.js'
import { anotherWorld } from './scenes/world.js'

export default lesson({
  number: 4,
  name: 'rootfs',
  title: 'Another world under the same kernel',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'A tree and two pointers', play: twoPointers },
    { heading: 'Another world', needs: [USERLAND], play: anotherWorld },
    { heading: 'Out again', needs: [USERLAND], exercises: ['breakOut'], play: outAgain },
    { heading: 'Two refusals', needs: [USERLAND], play: refusals },
    { heading: 'Nothing above', needs: [USERLAND], exercises: ['ownRoot'], play: noWayOut },
    { heading: 'What a directory lacks', needs: [USERLAND, 'user-namespaces'], play: whatIsMissing },
    { heading: 'Tracing paper', needs: ['overlay'], exercises: ['layers'], play: tracingPaper },
    { heading: 'Two ships, one hull', needs: [USERLAND, 'overlay'], play: twoShips },
    { heading: 'Where its files are', needs: [USERLAND, 'overlay'], play: diffDirectory },
    { heading: 'Volumes', needs: [USERLAND, 'kernel:5.12'], exercises: ['readOnlyVolume'], play: volumes },
    { heading: 'What is covered', needs: [USERLAND], play: covered },
    { heading: 'What Docker calls it', needs: [USERLAND, 'overlay'], play: dockersWords },
  ],
  exercises,
})
