/** The five sets through three programs: of root, of another user, and of another user with an ambient capability. */
import { type Capability, cap_ambient_raise, capset, clone3, execve, set_keepcaps, setresgid, setresuid } from '../../../lib/index.js'
import type { Status } from '../../../lib/kernel/proc/status.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { severalIds } from '../../01-namespaces/ids.js'
import { boundOf, effectiveOf, listed, statusOf } from '../looks.js'

const USER = 1000
const KEPT: Capability = 'net_raw'
const SLEEP = ['sleep', '1000'] as const

export async function throughExecve(stage: Stage): Promise<void> {
  await rootsProgram(stage)
  if (severalIds(stage.bottle)) {
    await othersProgram(stage)
    await ambientProgram(stage)
  } else {
    await stage.say(
      'Your bottle has one user id only, so there is no other user here whose programs could be watched. The words above hold all the same.',
    )
  }
  await stage.exercise('keepOne')
}

async function rootsProgram(stage: Stage): Promise<void> {
  const root = await stage.box('root')
  await root.step(
    clone3([], { why: 'a child of user 0' }),
    capset({ effective: [], permitted: [], inheritable: [] }, { why: 'it gives up everything that it may and uses' }),
  )
  const before = statusOf(root)
  const choices = ['nothing: what is given up is gone', 'everything that the bounding set leaves'] as const
  await stage.predict({
    question: 'It is user 0, and it has no capability left. Now it executes `sleep`, an ordinary file. What does `sleep` have in effect?',
    choices,
    async measure() {
      await root.step(execve('/bin/sleep', SLEEP, [], { why: 'user 0 starts a program' }))
      return effectiveOf(statusOf(root)).length === 0 ? choices[0] : choices[1]
    },
    because: `There they are again, ${effectiveCount(boundOf(stage.bottle))}. For user 0 every file gives everything; only the bounding set is a limit.`,
  })
  await stage.look('Before and after the execve', () => compareSets(before, statusOf(root)))
}

async function othersProgram(stage: Stage): Promise<void> {
  const other = await stage.box('other')
  const become = [clone3([]), set_keepcaps(true), setresgid(USER), setresuid(USER)]
  await other.together(`A child that becomes user ${USER} with keepcaps`, [...become, only([])])
  const before = statusOf(other)
  const choices = ['nothing', listed([KEPT])] as const
  await stage.predict({
    question: `User ${USER} has ${listed([KEPT])} permitted and in effect, and executes \`sleep\`. What does \`sleep\` have in effect?`,
    choices,
    async measure() {
      await other.step(execve('/bin/sleep', SLEEP, [], { why: 'an ordinary user starts an ordinary file' }))
      return listed(effectiveOf(statusOf(other)))
    },
    because:
      'The file gives nothing and takes nothing, so both sets begin empty. keepcaps was for the change of user; it ends with the execve.',
  })
  await stage.look('Before and after the execve', () => compareSets(before, statusOf(other)))
}

async function ambientProgram(stage: Stage): Promise<void> {
  const ambient = await stage.box('ambient')
  await ambient.together(`The same once more`, [clone3([]), set_keepcaps(true), setresgid(USER), setresuid(USER), only([])])
  const raise = cap_ambient_raise(KEPT)
  await ambient.fails(
    { ...raise, why: 'what is ambient goes along into every program; so it must be inheritable as well as permitted' },
    'EPERM',
  )
  await ambient.step({ ...only([KEPT]), why: 'inheritable, too …' }, { ...raise, why: '… and now it can be raised' })
  const before = statusOf(ambient)
  await ambient.step(execve('/bin/sleep', SLEEP, [], { why: 'the same file, the same user' }))
  await stage.look('Before and after the execve', () => compareSets(before, statusOf(ambient)))
  await stage.say(
    'This is how a container’s ordinary user gets a capability, and the only way without touching files. Docker does not use it: `docker run --user 1000 --cap-add NET_RAW` ' +
      'leaves the user without it, which puzzles many people.',
  )
}

const only = (inheritable: readonly Capability[]) => capset({ effective: [KEPT], permitted: [KEPT], inheritable })

const effectiveCount = (set: readonly Capability[]) => (set.length === 1 ? 'one of them' : `${set.length} of them`)

function compareSets(before: Status, after: Status): LookRow[] {
  return (['inheritable', 'permitted', 'effective', 'bounding', 'ambient'] as const).map((set) => {
    const [had, has] = [before.capabilities[set], after.capabilities[set]]
    return {
      label: set,
      value: had.bits === has.bits ? `${listed(has.names)}, as before` : `${listed(had.names)} → ${listed(has.names)}`,
      notice: had.bits !== has.bits,
    }
  })
}
