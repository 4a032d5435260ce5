/** From user 0 to another user: what is emptied, and the switch that keeps it. */
import { capset, clone3, set_keepcaps, sethostname, setresgid, setresuid } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { effectiveOf, fiveSets, statusOf } from '../looks.js'

const USER = 1000

export async function somebodyElse(stage: Stage): Promise<void> {
  const plain = await stage.box('plain')
  await plain.step(clone3(['uts'], { why: 'a child of user 0 with all that the bottle’s root has' }))
  const choices = ['nothing', 'the fourteen of Docker', 'all that it had'] as const
  await stage.predict({
    question: `It becomes user ${USER}. Nobody touches the capabilities. What does it have in effect afterwards?`,
    choices,
    async measure() {
      await plain.step(
        setresgid(USER, USER, USER, { why: 'the group first, since that needs a capability' }),
        setresuid(USER, USER, USER, { why: 'all three user ids: from here on nothing of it is root' }),
      )
      const left = effectiveOf(statusOf(plain)).length
      return left === 0 ? choices[0] : left === 14 ? choices[1] : choices[2]
    },
    because:
      'When the last of the user ids leaves 0, the kernel empties the permitted, the effective and the ambient set. The bounding set stays: it is no right, but a limit.',
  })

  const keeper = await stage.box('keeper')
  await keeper.step(
    clone3(['uts'], { why: 'the same again …' }),
    set_keepcaps(true, { why: '… but this time the permitted set shall outlive the change of user' }),
    setresgid(USER),
    setresuid(USER),
  )
  await stage.look('Its five lines', () => fiveSets(statusOf(keeper), ['CapPrm', 'CapEff']))
  const may = ['yes: CAP_SYS_ADMIN is permitted', 'no'] as const
  await stage.predict({
    question: `User ${USER} has CAP_SYS_ADMIN in the permitted set. May it call \`sethostname\`?`,
    choices: may,
    async measure() {
      const [renamed] = await keeper.step(sethostname(newName('ordinary'), { allow: ['EPERM'], why: 'an ordinary user renames its host' }))
      return renamed?.status === 'ok' ? may[0] : may[1]
    },
    because: 'Only the effective set counts at a call. The permitted one says what the process may put there.',
  })
  await keeper.step(
    capset(
      { effective: ['sys_admin'], permitted: ['sys_admin'], inheritable: [] },
      { why: 'it uses one of them, and gives up all others' },
    ),
    sethostname(newName('ordinary'), { why: 'and now?' }),
  )
  await stage.say(
    `A process of user ${USER} has just done what only root may, and root, in the scenes before, could not do it. Capabilities belong to processes, not to users.`,
  )
}
