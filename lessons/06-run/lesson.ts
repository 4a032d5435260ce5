/** Lesson 6: all of it, in order. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { exercises } from './exercises.js'
import { theCommand } from './scenes/drydock.js'
import { theEnd } from './scenes/ends.js'
import { outOfOrder } from './scenes/order.js'
import { besideRunc } from './scenes/runc.js'
import { stepByStep } from './scenes/step-by-step.js'
import { aTerminal } from './scenes/terminal.js'
import { wholeList } from './scenes/whole-list.js'

export default lesson({
  number: 6,
  name: 'run',
  title: 'All of it, in order',
  directory: new URL('./', import.meta.url),
  needs: ['bottle', 'kernel:5.12', USERLAND],
  scenes: [
    { heading: 'The whole list', play: wholeList },
    { heading: 'Step by step', exercises: ['run'], play: stepByStep },
    { heading: 'Out of order', exercises: ['order'], play: outOfOrder },
    { heading: 'A terminal is no decoration', exercises: ['terminal'], play: aTerminal },
    { heading: 'When it ends', play: theEnd },
    { heading: 'Beside runc', needs: ['root', 'command:strace', 'command:runc|crun'], play: besideRunc },
    { heading: 'drydock run', play: theCommand },
  ],
  exercises,
})
