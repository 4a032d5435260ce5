/** Lesson 1: a container is a process. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { exercises } from './exercises.js'
import { backIn } from './scenes/enter.js'
import { everyProcess } from './scenes/every-process.js'
import { hostName } from './scenes/host-name.js'
import { firstProcess } from './scenes/init.js'
import { letters } from './scenes/ipc.js'
import { emptyNetwork } from './scenes/net.js'
import { orphansAndZombies } from './scenes/orphans.js'
import { twoPids } from './scenes/pids.js'
import { ownProc } from './scenes/proc.js'
import { propagation } from './scenes/propagation.js'
import { unshareMovesNobody } from './scenes/unshare.js'
import { fakeRootScene } from './scenes/user.js'
import { noContainer } from './scenes/whole.js'

export default lesson({
  number: 1,
  name: 'namespaces',
  title: 'A container is a process',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'Every process has namespaces', play: everyProcess },
    { heading: 'A host name of its own', exercises: ['hostname'], play: hostName },
    { heading: 'One process, two pids', play: twoPids },
    { heading: 'unshare does not move you', play: unshareMovesNobody },
    { heading: 'PID 1 is not like the others', play: firstProcess },
    { heading: 'Orphans and zombies', play: orphansAndZombies },
    { heading: 'ps believes what /proc says', play: ownProc },
    { heading: 'What is shared, and what is private', exercises: ['ownProcesses'], play: propagation },
    { heading: 'Letters in a drawer', play: letters },
    { heading: 'An empty network', play: emptyNetwork },
    { heading: 'Root that is not root', exercises: ['fakeRoot'], play: fakeRootScene },
    { heading: 'Back in again', exercises: ['enter'], play: backIn },
    { heading: 'There is no container in the kernel', play: noContainer },
  ],
  exercises,
})
