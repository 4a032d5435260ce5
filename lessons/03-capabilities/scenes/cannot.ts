/** A process that is user 0 and may not do what root does: the kernel asks for a bit, not for a user. */
import {
  type Capability,
  capset,
  chown,
  clone3,
  close,
  execve,
  getuid,
  host,
  kill,
  mount,
  open,
  ref,
  sethostname,
  setresgid,
  setresuid,
} from '../../../lib/index.js'
import { socket } from '../../../lib/kernel/calls/sockets.js'
import type { Step } from '../../../lib/kernel/step.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { severalIds } from '../../01-namespaces/ids.js'
import { newName } from '../../01-namespaces/looks.js'
import { boundOf, listed, statusOf } from '../looks.js'

const FILE = '/tmp/mine'
const SOMEBODY = 1000
/** What it gives up, and nothing else. */
const GIVEN_UP: readonly Capability[] = ['chown', 'kill', 'net_raw', 'sys_admin']
/** IPPROTO_ICMP. */
const ICMP = 1

export async function cannot(stage: Stage): Promise<void> {
  const { bottle } = stage
  const several = severalIds(bottle)
  const victim = several ? await somebodyElse(stage) : undefined
  const box = await stage.box('container')
  await box.step(
    clone3(['uts', 'mnt'], { why: 'a child of user 0, with a host name and a mount table to play with' }),
    mount(null, '/', null, ['rec', 'private'], null, { why: 'what it mounts stays with it' }),
    sethostname(newName('root'), { why: 'root may do this' }),
    open(FILE, ['creat', 'wronly'], { mode: 0o644, keep: 'file', why: 'a file of its own' }),
    close(ref('file')),
  )
  const rest = boundOf(bottle).filter((one) => !GIVEN_UP.includes(one))
  await box.together(`It gives up four capabilities: ${GIVEN_UP.join(', ')}`, [
    capset({ effective: rest, permitted: rest, inheritable: [] }),
  ])
  await box.step(getuid({ why: 'who is it now?' }))

  const choices = ['it works: the process is still user 0', 'it fails with EPERM'] as const
  await stage.predict({
    question: 'The process is user 0, as before, and runs on, as before. It calls `sethostname` a second time. What happens?',
    choices,
    async measure() {
      const [renamed] = await box.step(sethostname(newName('again'), { allow: ['EPERM'], why: 'the very call that worked a moment ago' }))
      return renamed?.status === 'ok' ? choices[0] : choices[1]
    },
    because: 'sethostname asks for the bit of CAP_SYS_ADMIN in the effective set. The user is not asked for at all.',
  })
  await otherFailures(box, victim)
  const back = boundOf(bottle)
  const regret: Step = { ...capset({ effective: back, permitted: back, inheritable: [] }), why: 'it regrets, and wants all of them back' }
  await stage.say('Can it take them back? By the same call it asks for everything that the bottle’s root has.')
  const [refused] = await box.together('It wants them back', [{ ...regret, allow: ['EPERM'] }])
  await stage.look('In /proc/PID/status', () => {
    const status = statusOf(box)
    return [
      { label: 'Uid, as this machine counts', value: Object.values(status.uid).join(' ') },
      { label: 'missing in CapEff', value: listed(back.filter((one) => !status.capabilities.effective.names.includes(one))), notice: true },
      {
        label: 'the call',
        value: refused?.status === 'allowed' ? 'EPERM: what is not permitted any more cannot be asked for' : 'succeeded',
      },
    ]
  })
  await stage.say(
    'So a running process can drop capabilities at any time, without a restart. It has to do it itself, though: nobody can take them from another process, and ' +
      'that is why Docker asks for a new container when you change `--cap-drop`.',
  )
}

/** A process of another user, to be signalled. */
async function somebodyElse(stage: Stage): Promise<number> {
  const box = await stage.box('neighbour')
  await box.together(`A process of user ${SOMEBODY} that sleeps`, [
    clone3([]),
    setresgid(SOMEBODY),
    setresuid(SOMEBODY),
    execve('/bin/sleep', ['sleep', '1000']),
  ])
  return box.childPid as number
}

async function otherFailures(box: Box, victim: number | undefined): Promise<void> {
  await box.fails(
    { ...mount('tmpfs', '/tmp', 'tmpfs'), why: 'CAP_SYS_ADMIN again: it stands for some two hundred different things' },
    'EPERM',
  )
  await box.fails({ ...socket('inet', 'raw', ICMP), why: 'CAP_NET_RAW: a socket for packets of any kind, as ping wants it' }, 'EPERM')
  if (victim === undefined) return
  await box.fails({ ...chown(FILE, SOMEBODY, SOMEBODY), why: 'CAP_CHOWN: it may not even give away its own file' }, 'EPERM')
  await box.fails({ ...kill(victim, 'term'), why: `CAP_KILL: the neighbour is another user, ${SOMEBODY}` }, 'EPERM')
  await box.step(host(kill(victim, 'term', { why: 'the shim is user 0 too, and has the bit' })))
}
