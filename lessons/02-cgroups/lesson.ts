/** Lesson 2: the interface is files. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'
import { aBomb } from './scenes/bomb.js'
import { dockerWrites } from './scenes/docker.js'
import { aDirectory } from './scenes/files.js'
import { noReservation, whatFreeSays } from './scenes/free.js'
import { ice } from './scenes/freeze.js'
import { members } from './scenes/members.js'
import { outOfMemory } from './scenes/memory.js'
import { aFifth } from './scenes/processor.js'
import { twoVersions } from './scenes/versions.js'

export default lesson({
  number: 2,
  name: 'cgroups',
  title: 'The interface is files',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'A directory is a group', needs: ['cgroup:memory'], play: aDirectory },
    { heading: 'Two versions of one idea', needs: ['cgroup:memory'], play: twoVersions },
    { heading: 'Who is in it', needs: ['cgroup:pids'], play: members },
    { heading: 'Out of memory', needs: ['cgroup:memory'], exercises: ['smallMemory'], play: outOfMemory },
    { heading: 'A fifth of a processor', needs: ['cgroup:cpu'], exercises: ['slow'], play: aFifth },
    { heading: 'A bomb that fizzles', needs: ['cgroup:pids'], exercises: ['fewProcesses'], play: aBomb },
    { heading: 'Freeze', needs: ['cgroup:freezer'], exercises: ['stop'], play: ice },
    { heading: 'What free says', needs: ['cgroup:memory'], play: whatFreeSays },
    { heading: 'A limit is not a reservation', needs: ['cgroup:memory'], play: noReservation },
    { heading: 'What docker run writes', needs: ['cgroup:memory', 'cgroup:pids', 'cgroup:cpu'], play: dockerWrites },
  ],
  exercises,
})
