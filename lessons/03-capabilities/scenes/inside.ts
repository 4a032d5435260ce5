/** All capabilities in a user namespace of one's own, for a process that has none. */
import { ALL_CAPABILITIES, capbset_drop, capset, clone3, sethostname, unshare } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { effectiveOf, fiveSets, statusOf } from '../looks.js'

export async function allInside(stage: Stage): Promise<void> {
  const box = await stage.box()
  await box.together('A child that gives up everything, the bounding set too', [
    clone3([]),
    ...ALL_CAPABILITIES.map((one) => capbset_drop(one, { allow: ['EINVAL'] })),
    capset({ effective: [], permitted: [], inheritable: [] }),
  ])
  await stage.look('Its five lines', () => fiveSets(statusOf(box)))
  const choices = ['none, for ever: its bounding set is empty', 'all that there are', 'the kernel does not let it make one'] as const
  let made = false
  await stage.predict({
    question: 'This process makes a user namespace and moves into it. How many capabilities does it have in effect then?',
    choices,
    async measure() {
      const [entered] = await box.step(unshare(['user'], { allow: ['EPERM', 'EACCES', 'ENOSPC'], why: 'it needs no right for this' }))
      made = entered?.status === 'ok'
      if (!made) return choices[2]
      return effectiveOf(statusOf(box)).length > 0 ? choices[1] : choices[0]
    },
    because:
      'Where user namespaces are allowed to everybody, whoever makes one holds everything in it, and even the bounding set is full again. "For ever" was about the namespace in which it was said. ' +
      'This is why Docker’s filter forbids unshare to containers: behind these bits lies a lot of code of the kernel that only root could reach before.',
  })
  if (!made) return stage.say('On this machine only a process with rights may make user namespaces, so this one has to go without.')
  await stage.look('Its five lines', () => fiveSets(statusOf(box), ['CapEff', 'CapBnd']))
  const may = ['yes', 'no: EPERM'] as const
  await stage.predict({
    question: 'It has CAP_SYS_ADMIN in effect. May it rename the bottle?',
    choices: may,
    async measure() {
      const [renamed] = await box.step(sethostname(newName('outside'), { allow: ['EPERM'], why: 'the uts namespace is the bottle’s' }))
      return renamed?.status === 'ok' ? may[0] : may[1]
    },
    because: 'The host name belongs to the bottle’s user namespace. In that one, this process holds nothing.',
  })
  await box.step(
    unshare(['uts', 'net'], { why: 'a host name and a network that belong to the new user namespace' }),
    sethostname(newName('inside'), { why: 'here it is root' }),
  )
}
