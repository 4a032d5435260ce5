/** Shared mounts reach through the wall of a mount namespace, and can cost a host its /proc. */
import { clone3, host, mkdir, mount, readlink, umount2 } from '../../../lib/index.js'
import { mountAt, propagationOf, readMountinfo } from '../../../lib/kernel/proc/mountinfo.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { idsSeenBy, isMounted, mountsAt, PROC_FLAGS, shortList } from '../looks.js'

const PLACE = '/run/cellar'

export async function propagation(stage: Stage): Promise<void> {
  const { bottle } = stage
  const machine = mountAt(readMountinfo() ?? [], '/')
  await stage.look('How `/` of your machine is mounted', () => [
    {
      label: 'mountinfo says',
      value: machine ? `${propagationOf(machine)}${machine.shared === undefined ? '' : ` (shared:${machine.shared})`}` : 'nothing',
    },
  ])
  const first = await stage.box('first')
  await first.step(
    host(
      mount(null, '/', null, ['rec', 'shared'], null, {
        why: 'a bottle’s mounts begin private; make them as systemd leaves those of a host',
      }),
    ),
    host(mkdir(PLACE, 0o755, { why: 'an empty directory to mount something on' })),
    clone3(['mnt'], { why: 'a mount table of its own' }),
  )
  const choices = ['no: the child has a mount table of its own', 'yes'] as const
  await stage.predict({
    question: `The child mounts a tmpfs on \`${PLACE}\`, in its own mount namespace. Does the bottle see it?`,
    choices,
    async measure() {
      await first.step(mount('tmpfs', PLACE, 'tmpfs', [], null, { why: 'a small file system in memory' }))
      return isMounted(bottle.pid, PLACE) ? choices[1] : choices[0]
    },
    because: 'The `/run` of both is in one group of shared mounts, so what is mounted below the one is mounted below the other.',
  })
  await stage.look(`What is mounted on ${PLACE}`, () => [...rowsOf('the child', first.hostPid()), ...rowsOf('the bottle', bottle.pid)])
  await first.step(umount2(PLACE, [], { why: 'unmounting is passed on as well' }))

  await stage.say('Now the accident. A container with a new pid namespace mounts its /proc, and somebody forgot the call before.')
  const careless = await stage.box('careless')
  await careless.step(clone3(['pid', 'mnt'], { why: 'process ids and a mount table of its own' }))
  await stage.look('The bottle’s /proc', () => [{ label: '/proc has', value: shortList(idsSeenBy(bottle.pid)) }])
  await careless.step(mount('proc', '/proc', 'proc', PROC_FLAGS, null, { why: 'meant for the container alone' }))
  await stage.look('The bottle’s /proc', () => [{ label: '/proc has', value: shortList(idsSeenBy(bottle.pid)), notice: true }])
  await careless.fails(host({ ...readlink('/proc/self'), why: 'the shim, outside, looks for itself in the list of processes' }), 'ENOENT')
  await stage.say(
    'The bottle has lost sight of its own processes; `ps` there would list the container’s. The old /proc is still there, below. ' +
      'Taking the upper one away brings it back.',
  )
  await careless.step(
    umount2('/proc', [], { why: 'the repair' }),
    host({ ...readlink('/proc/self'), why: 'the shim has found itself again' }),
  )

  await stage.say('And now with the call that was forgotten.')
  const careful = await stage.box('careful')
  await careful.step(
    clone3(['mnt'], { why: 'a copy again, and its mounts are shared with the bottle’s again' }),
    mount(null, '/', null, ['rec', 'private'], null, {
      why: '“/” and all below it (rec) leave their groups (private): the first call of every engine',
    }),
    mount('tmpfs', PLACE, 'tmpfs', [], null, { why: 'the same mount as at the beginning' }),
  )
  await stage.look(`What is mounted on ${PLACE}`, () => [...rowsOf('the child', careful.hostPid()), ...rowsOf('the bottle', bottle.pid)])
  await stage.say('There is a third way, `slave`: what the host mounts still arrives, and nothing goes back. Engines offer it for volumes.')
  await stage.exercise('ownProcesses')
}

/** The mount at the place, with its tag. The mount that it lies on is shown too, whose group decides. */
function rowsOf(who: string, hostPid: number): LookRow[] {
  const [found] = mountsAt(hostPid, PLACE)
  const [below] = mountsAt(hostPid, '/run')
  return [
    { label: `${who}: /run`, value: below ? tag(below) : 'nothing' },
    { label: `${who}: ${PLACE}`, value: found ? `${found.fsType}, ${tag(found)}` : 'nothing', notice: true },
  ]
}

const tag = (mount: Parameters<typeof propagationOf>[0]) => (mount.shared === undefined ? propagationOf(mount) : `shared:${mount.shared}`)
