/** Setuid files: how they make root, two ways to stop them, and one way out of a container. */
import { ALL_CAPABILITIES, capbset_drop, clone3, execve, type Step, set_no_new_privs, setresgid, setresuid } from '../../../lib/index.js'
import { readIdMaps, toInside } from '../../../lib/kernel/proc/idmap.js'
import type { Status } from '../../../lib/kernel/proc/status.js'
import { capabilities, dockerSets, lastCapability, resolveCapabilities } from '../../../lib/primitives/capabilities.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { boundOf, copyWithSetuid, effectiveOf, placeForSetuid, statusOf } from '../looks.js'

const USER = 1000
const NAP = '/srv/nap'
const LEFT_BEHIND = '/srv/left-behind'

export async function setuidFile(stage: Stage): Promise<void> {
  const workshop = await stage.box('workshop')
  await workshop.together('A directory in which setuid bits count (on /tmp they do not, it is mounted with nosuid)', placeForSetuid())
  await workshop.together(`Root copies sleep to ${NAP} and sets the bit 04000 of its mode`, [clone3([]), copyWithSetuid('sleep', NAP)])
  await workshop.exited()
  const rows: LookRow[] = []
  const remember = (label: string, box: Box) => rows.push({ label, value: summary(stage, statusOf(box)) })

  const [ordinary, nothing] = [
    'it is user 0, with every capability that the bounding set leaves',
    `it stays user ${USER}, with nothing`,
  ] as const
  const without = 'it is user 0, without any capability'
  const choices = [ordinary, without, nothing] as const
  const measured = (box: Box) => {
    const status = statusOf(box)
    if (inside(stage, status) !== 0) return nothing
    return effectiveOf(status).length > 0 ? ordinary : without
  }

  const first = await stage.box('ordinary')
  await stage.predict({
    question: `User ${USER}, who has no capability at all, executes the setuid file. Who is the process then, and what may it do?`,
    choices,
    async measure() {
      await first.step(...become(), nap('the kernel sees the bit, and the owner, who is root'))
      return measured(first)
    },
    because:
      'Where it is user 0 that executes, or that a file makes, everything within the bounding set is given. This is all that sudo is built on.',
  })
  remember('as it is', first)

  const second = await stage.box('bounded')
  await stage.predict({
    question: 'The same, but before becoming an ordinary user the process has emptied its bounding set.',
    choices,
    async measure() {
      const drops = ALL_CAPABILITIES.map((one) => capbset_drop(one, { allow: ['EINVAL'] }))
      await second.together('A child that empties its bounding set', [clone3([]), ...drops])
      await second.step(...become().slice(1), nap('the same file'))
      return measured(second)
    },
    because: 'User 0 without capabilities is a weak root. But it still owns root’s files, and may read and write them as any owner may.',
  })
  remember('bounding set empty', second)

  const third = await stage.box('no new privileges')
  await stage.predict({
    question: 'The same, but the process has set no_new_privs, and its bounding set is full.',
    choices,
    async measure() {
      await third.step(
        ...become(),
        set_no_new_privs({ why: 'anybody may say this of himself, and nobody can unsay it' }),
        nap('the same file'),
      )
      return measured(third)
    },
    because: 'The bit in the file’s mode means nothing to this process and its descendants. The program runs; it is just not root.',
  })
  remember('no_new_privs', third)
  await stage.look('sleep with the setuid bit, started by user 1000', () => rows)
  await leftBehind(stage)
  await stage.exercise('noNewPower')
}

/** Root of a container makes a file in a directory that the container shares with its host. */
async function leftBehind(stage: Stage): Promise<void> {
  await stage.say(
    'Now the other way round. A container’s root, with Docker’s fourteen, puts such a file into a directory that it shares with its host, as with `docker run -v /srv:/srv`.',
  )
  const { capabilities: fourteen } = resolveCapabilities({ available: boundOf(stage.bottle), last: lastCapability() })
  const container = await stage.box('container')
  await container.together('A container with Docker’s capabilities, which copies sleep and sets the bit', [
    clone3(['pid', 'uts']),
    ...capabilities({ ...dockerSets(fourteen, 0), lastCap: lastCapability() }).steps,
    copyWithSetuid('sleep', LEFT_BEHIND),
  ])
  await container.exited()
  const neighbour = await stage.box('outside')
  const all = boundOf(stage.bottle).length
  const choices = ['none', String(fourteen.length), String(all)]
  await stage.predict({
    question: `Outside, on the host (which is our bottle), user ${USER} executes that file. How many capabilities does the process have in effect?`,
    choices,
    async measure() {
      await neighbour.step(
        ...become(),
        execve(LEFT_BEHIND, ['left-behind', '1000'], [], { why: 'a file that the container has left behind' }),
      )
      return String(effectiveOf(statusOf(neighbour)).length)
    },
    because:
      'The file belongs to user 0, and user 0 of this container is user 0 of the host. Whoever starts the file outside gets what is there outside. ' +
      'So much for "container root is harmless". A user namespace helps, in which root is somebody else outside, and so does nosuid on shared directories.',
  })
}

const become = (): Step[] => [
  clone3([], { why: 'a child of user 0' }),
  setresgid(USER),
  setresuid(USER, USER, USER, { why: 'and with it all its sets but the bounding one are emptied' }),
]

const nap = (why: string) => execve(NAP, ['nap', '1000'], [], { why })

const inside = (stage: Stage, { uid }: Status) => toInside(readIdMaps(stage.bottle.pid)?.uid ?? [], uid.effective)

function summary(stage: Stage, status: Status): string {
  const { noNewPrivs, capabilities: sets } = status
  return `effective user ${inside(stage, status)}, ${effectiveOf(status).length} capabilities in effect (of ${sets.bounding.names.length} in the bounding set), NoNewPrivs ${noNewPrivs ? 1 : 0}`
}
