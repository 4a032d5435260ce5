/** The user namespace: ids behind ids, and power that ends at the edge of what the namespace owns. */
import { lstatSync } from 'node:fs'
import {
  child,
  chown,
  clone3,
  close,
  execve,
  getuid,
  host,
  open,
  ref,
  type Step,
  sethostname,
  setresgid,
  setresuid,
  text,
  unshare,
  write,
} from '../../../lib/index.js'
import { readIdMaps, toInside } from '../../../lib/kernel/proc/idmap.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { severalIds, spareId } from '../ids.js'
import { ENVIRONMENT, newName, procOf } from '../looks.js'

const TREASURE = '/tmp/treasure'
const OWN = '/tmp/mine'

export async function fakeRootScene(stage: Stage): Promise<void> {
  const { bottle } = stage
  const outside = spareId(bottle)
  if (!severalIds(bottle)) {
    await stage.say(
      'Your bottle has one user id only, because `newuidmap` or a range in `/etc/subuid` is missing here. So root inside will be root of the bottle, ' +
        'who is you. The rest is the same.',
    )
  }
  const box = await stage.box()
  const ids = ['0, root', 'the one that the shim has', '65534, nobody'] as const
  await stage.predict({
    question: 'A child in a new user namespace asks for its user id. Nobody has written a map yet. What is the answer?',
    choices: ids,
    async measure() {
      await box.step(clone3(['user'], { why: 'a new world of ids; the child holds every capability in it' }))
      const [asked] = await box.step(getuid({ why: 'who am I?' }))
      return asked?.ret === 65534n ? ids[2] : asked?.ret === 0n ? ids[0] : ids[1]
    },
    because: 'Its real owner has no number in there yet. What has no number is shown as 65534.',
  })
  const map = text`/proc/${child}/uid_map`
  await box.step(
    host(open(map, ['wronly'], { keep: 'map', why: 'the child’s map, which the parent writes' })),
    host(write(ref('map'), `0 ${outside} 1\n`, { why: `user 0 inside is user ${outside} outside, and there is no other` })),
    host(close(ref('map'))),
  )
  await box.together('The same for groups', mapGroups(outside))
  await box.step(
    setresgid(0, 0, 0, { why: 'the child still has the ids of the shim, which have no number here; now it takes group 0 …' }),
    setresuid(0, 0, 0, { why: '… and user 0' }),
    getuid({ why: 'who am I now?' }),
  )
  await box.step(host(open(map, ['wronly'], { keep: 'again', why: 'could the map be changed later?' })))
  await box.fails(
    host({ ...write(ref('again'), `0 ${outside} 1\n`), why: 'a map is written once: ids that have been given out stay what they are' }),
    'EPERM',
  )

  await powers(stage, box)
  await ownership(stage, box)
  await box.step(execve('/bin/sh', ['sh', '-c', 'id; ls -ln /tmp'], ENVIRONMENT, { why: 'a program that asks for all that' }))
  await box.exited()
  await stage.exercise('fakeRoot')
}

/** Every capability, and yet no power over what another user namespace owns. */
async function powers(stage: Stage, box: Box): Promise<void> {
  const effective = readStatus(box.childPid as number, procOf(stage.bottle))?.capabilities.effective.names ?? []
  await stage.look('The child’s power, in /proc/PID/status', () => [
    { label: 'CapEff', value: `${effective.length} capabilities`, notice: true },
  ])
  const name = newName('mine')
  const choices = ['yes: it holds sys_admin, which is what the call asks for', 'no'] as const
  await stage.predict({
    question: `The child is user 0 and holds ${effective.length} capabilities, all that there are. May it rename the bottle?`,
    choices,
    async measure() {
      const [renamed] = await box.step(sethostname(name, { allow: ['EPERM'], why: 'the uts namespace is still the bottle’s' }))
      return renamed?.status === 'ok' ? choices[0] : choices[1]
    },
    because:
      'Capabilities count where they were given. The uts namespace belongs to the bottle’s user namespace, and there the child is nobody in particular.',
  })
  await box.step(
    unshare(['uts'], { why: 'a uts namespace that the child makes belongs to the child’s user namespace' }),
    sethostname(name, { why: 'the same call, on something that it owns' }),
  )
}

/** Files keep the id that stands outside. */
async function ownership(stage: Stage, box: Box): Promise<void> {
  const { bottle } = stage
  await box.step(
    host(open(TREASURE, ['creat', 'wronly'], { mode: 0o644, keep: 'treasure', why: 'a file of the bottle’s root' })),
    host(close(ref('treasure'))),
  )
  if (severalIds(bottle)) {
    const take = chown(TREASURE, 0, 0)
    await box.fails({ ...take, why: 'the child’s root wants to own what the bottle’s root has made' }, 'EPERM')
  } else {
    const give = chown(TREASURE, 1, 1)
    await box.fails({ ...give, why: 'user 1 has no line in the map, so nobody can be given anything' }, 'EINVAL')
  }
  await box.step(open(OWN, ['creat', 'wronly'], { mode: 0o644, keep: 'mine', why: 'a file of the child’s root' }), close(ref('mine')))
  await stage.look(`Who owns ${OWN}?`, () => {
    const owner = lstatSync(bottle.hostPath(OWN)).uid
    const asSeenBy = (pid: number) => String(toInside(readIdMaps(pid)?.uid ?? [], owner))
    return [
      { label: 'in the child', value: `user ${asSeenBy(box.hostPid())}`, notice: true },
      { label: 'in the bottle', value: `user ${asSeenBy(bottle.pid)}`, notice: true },
      { label: 'on your machine', value: `user ${owner}` },
    ]
  })
}

function mapGroups(outside: number): Step[] {
  return host([
    open(text`/proc/${child}/gid_map`, ['wronly'], { keep: 'groups' }),
    write(ref('groups'), `0 ${outside} 1\n`),
    close(ref('groups')),
  ])
}
