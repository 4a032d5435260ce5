/** Steps in the wrong place: what plan() says to them, and what the kernel says where nobody asks plan(). */

import { meetBefore } from '../../../lib/container/plan.js'
import {
  ALL_CAPABILITIES,
  capbset_drop,
  capset,
  clone3,
  type Fragment,
  host,
  inPhase,
  ioctl_tiocgptpeer,
  ioctl_tiocsctty,
  ioctl_tiocsptlck,
  mkdir,
  mount,
  open,
  plan,
  program,
  ref,
  type Step,
  setgroups,
  sethostname,
  setresgid,
  setresuid,
  setsid,
} from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { Result } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { enter } from '../../04-rootfs/world.js'
import { build, buildHull, HULL } from '../container.js'

export async function outOfOrder(stage: Stage): Promise<void> {
  await whatPlanSays(stage)
  await stage.say(
    'Now without it. Nothing stops anybody from sending steps in an order of his own, as you have done in five lessons. Each of the next boxes has one mistake in it.',
  )
  await afterTheMask(stage)
  await afterTheRoot(stage)
  await beforeTheSession(stage)
  await afterTheUser(stage)
  await afterTheRights(stage)
  await stage.exercise('order')
}

async function whatPlanSays(stage: Stage): Promise<void> {
  const { fragments } = await build(stage.bottle, { argv: ['/bin/true'], hostname: 'ship' })
  const [sorted, refused, made] = [
    'it moves the step to where it belongs',
    'it refuses the whole plan',
    'it makes a plan, and the kernel refuses',
  ] as const
  const early = wrong('mounts', sethostname('too-early'))
  await stage.predict({
    question: 'Somebody writes a fragment that sets the host name in the phase `mounts`. What does `plan` do with it?',
    choices: [sorted, refused, made],
    async measure() {
      try {
        const placed = plan([...fragments, early]).find(({ call }) => call === 'sethostname')
        return placed?.phase === 'name' ? sorted : made
      } catch {
        return refused
      }
    },
    because:
      'It sorts steps by the phase that they name, and guesses no other one. The kernel would have allowed it there. But a rule that says *why* is cheaper than a night of searching.',
  })
  const mistakes: [string, Fragment[]][] = [
    ['a host name among the mounts', [...fragments, early]],
    ['a mount when the rights are gone', [...fragments, wrong('exec', mount('late', '/mnt', 'tmpfs'))]],
    ['the filter before the mounts', [...fragments, wrong('network', ...filterOf(fragments))]],
    ['a second program', [...fragments, program({ argv: ['/bin/ls'] })]],
    ['no process', fragments.filter(({ primitive }) => primitive !== 'namespaces')],
  ]
  await stage.look('What plan() says to this and to other mistakes', () =>
    mistakes.map(([label, some]) => ({ label, value: refusal(some) ?? 'nothing' })),
  )
}

/** /proc/sys is one of the read-only paths. */
async function afterTheMask(stage: Stage): Promise<void> {
  const { bottle } = stage
  buildHull(bottle)
  const { steps } = await build(bottle, { argv: ['/bin/true'], hostname: 'ship', bare: true })
  const box = await stage.box('masked')
  await box.together('A container as far as “mask”, which comes after “name”', meetBefore('terminal', steps)[0])
  const path = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
  const step = open(path, ['wronly'], {
    keep: 'sysctl',
    allow: ['EROFS', 'EPERM', 'EACCES'],
    why: 'the lowest port that anybody may take; docker run --sysctl sets such things',
  })
  await stage.predict({
    question:
      'A sysctl of its own network, set by the container’s root, with all capabilities. It was forgotten in `name`, and comes after `mask`.',
    choices: ['it works', 'EPERM', 'EACCES', 'EROFS'],
    measure: async () => answer(await box.step(step)),
    because:
      'Nobody asked for its rights. `/proc/sys` has been made a read-only file system a moment ago, and that counts for everybody. So: `name` before `mask`.',
  })
}

/** A path of the host after the host's tree has gone. */
async function afterTheRoot(stage: Stage): Promise<void> {
  const box = await stage.box('volume')
  await box.together('A directory /cargo of the bottle; and a container in its root', [
    host(mkdir('/cargo')),
    clone3(['mnt']),
    ...enter(HULL),
  ])
  const step = mount('/cargo', '/mnt', null, ['bind'], null, {
    allow: ['ENOENT', 'EINVAL', 'EPERM'],
    why: 'the volume, by the path that it has outside',
  })
  await stage.predict({
    question: 'The root is changed. Now `/cargo`, a directory of the bottle, is to be mounted at `/mnt`, which is there inside.',
    choices: ['it works', 'ENOENT', 'EINVAL', 'EPERM'],
    measure: async () => answer(await box.step(step)),
    because:
      'A path means what it means where one stands, and here it means nothing any more. So all that comes from the host is mounted before `root`.',
  })
}

/** TIOCSCTTY by somebody who leads no session. */
async function beforeTheSession(stage: Stage): Promise<void> {
  const box = await stage.box('terminal')
  const [master, slave] = [ref('master'), ref('slave')]
  await box.together('A child with a terminal: both ends are open', [
    clone3(['mnt', 'pid']),
    ...enter(HULL),
    mount('devpts', '/mnt', 'devpts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=0620'),
    open('/mnt/ptmx', ['rdwr', 'noctty'], { keep: 'master' }),
    ioctl_tiocsptlck(master, false),
    ioctl_tiocgptpeer(master, { keep: 'slave' }),
  ])
  const take = (why: string) => ioctl_tiocsctty(slave, { allow: ['EPERM', 'EBADF', 'ENOTTY'], why })
  await stage.predict({
    question: 'It takes the terminal as its controlling terminal, and has not called `setsid`.',
    choices: ['it works', 'EPERM', 'ENOTTY'],
    measure: async () => answer(await box.step(take('“mine”'))),
    because:
      'A terminal is given to a session, by the one who leads it. The child is in the session of whoever has made it, and there it is nobody.',
  })
  await box.step(setsid({ why: 'a session of its own, and it leads it' }), take('the same call again'))
}

/** The user before the groups. */
async function afterTheUser(stage: Stage): Promise<void> {
  if (stage.bottle.idmap?.method === 'single') {
    return stage.say(
      '*The next mistake takes a second user, and in your user namespace there is only one: `setresuid` before `setgroups` is EPERM, for it gives the right away.*',
    )
  }
  const box = await stage.box('user')
  await box.together('A child that becomes user 1000', [clone3([]), setresuid(1000)])
  await stage.predict({
    question: 'It has become user 1000, and now leaves the groups that it has inherited.',
    choices: ['it works', 'EPERM', 'EINVAL'],
    measure: async () => answer(await box.step(setgroups([], { allow: ['EPERM', 'EINVAL'], why: 'no supplementary groups any more' }))),
    because:
      'CAP_SETGID went with user 0. The process keeps root’s groups, with whatever files they open: many a server of the past had just this hole. Groups, group, user.',
  })
  await box.fails({ ...setresgid(1000), why: 'and the group itself is too late as well' }, 'EPERM')
}

/** capset, and then something that needs a capability. */
async function afterTheRights(stage: Stage): Promise<void> {
  const box = await stage.box('rights')
  await box.together('A child that gives up all its capabilities', [
    clone3(['uts']),
    capset({ effective: [], permitted: [], inheritable: [] }),
  ])
  await box.fails({ ...sethostname('too-late'), why: 'its own name, in a uts namespace of its own' }, 'EPERM')
  await box.fails(
    { ...capbset_drop(ALL_CAPABILITIES[0] ?? 'chown'), why: 'even to give up something more takes a right: CAP_SETPCAP' },
    'EPERM',
  )
}

const wrong = (phase: NonNullable<Step['phase']>, ...steps: Step[]): Fragment => ({
  primitive: 'yours',
  title: 'A mistake',
  steps: inPhase(phase, 'container', steps),
})

const filterOf = (fragments: readonly Fragment[]): Step[] =>
  fragments.flatMap(({ steps }) => steps.filter(({ phase }) => phase === 'filter'))

/** The sentence with which plan refuses, without what it says of the phase itself. */
function refusal(fragments: readonly Fragment[]): string | undefined {
  try {
    plan(fragments)
    return undefined
  } catch (error) {
    if (error instanceof DrydockError) return error.message.replace(/ \(phase .*$/, '')
    throw error
  }
}

/** What the last of some steps answered, as the choices have it. */
function answer(results: readonly Result[]): string {
  const errno = results.at(-1)?.errno ?? 0
  return errno === 0 ? 'it works' : errnoOf(errno).name
}
