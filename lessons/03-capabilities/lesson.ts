/** Lesson 3: root, in pieces. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'
import { bits } from './scenes/bits.js'
import { forEver } from './scenes/bounding.js'
import { cannot } from './scenes/cannot.js'
import { throughExecve } from './scenes/execve.js'
import { filter } from './scenes/filter.js'
import { fourteen } from './scenes/fourteen.js'
import { allInside } from './scenes/inside.js'
import { somebodyElse } from './scenes/keepcaps.js'
import { privileged } from './scenes/privileged.js'
import { onThisMachine } from './scenes/processes.js'
import { setuidFile } from './scenes/setuid.js'

export default lesson({
  number: 3,
  name: 'capabilities',
  title: 'Root, in pieces',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'User 0 that cannot', play: cannot },
    { heading: 'Reading the bits', play: bits },
    { heading: 'Fourteen of forty-one', exercises: ['weakRoot'], play: fourteen },
    { heading: 'Becoming somebody else', needs: ['several-ids'], play: somebodyElse },
    { heading: 'Through execve', exercises: ['keepOne'], play: throughExecve },
    { heading: 'Gone for ever', play: forEver },
    { heading: 'A file that makes you root', needs: ['several-ids', 'setuid-binary'], exercises: ['noNewPower'], play: setuidFile },
    { heading: 'A filter in front of the kernel', exercises: ['silence'], play: filter },
    { heading: 'What --privileged means', play: privileged },
    { heading: 'All of it inside, none of it outside', needs: ['user-namespaces'], play: allInside },
    { heading: 'Capabilities belong to processes', play: onThisMachine },
  ],
  exercises,
})
