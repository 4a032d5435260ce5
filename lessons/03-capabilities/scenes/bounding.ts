/** The bounding set: asked at execve and nowhere else, and never filled again. */
import { type Capability, capbset_drop, capset, clone3, close, execve, ref } from '../../../lib/index.js'
import { socket } from '../../../lib/kernel/calls/sockets.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { boundOf, effectiveOf, listed, statusOf } from '../looks.js'

const DROPPED: Capability = 'net_raw'
/** IPPROTO_ICMP. */
const ICMP = 1

export async function forEver(stage: Stage): Promise<void> {
  const box = await stage.box('container')
  await box.step(
    clone3([], { why: 'a child of user 0 with all that the bottle’s root has' }),
    capbset_drop(DROPPED, { why: 'no execve shall give this any more' }),
  )
  const choices = ['no: EPERM', 'yes'] as const
  await stage.predict({
    question: 'CAP_NET_RAW is out of the bounding set. Can the process open a raw socket now, which asks for CAP_NET_RAW?',
    choices,
    async measure() {
      const [opened] = await box.step(
        socket('inet', 'raw', ICMP, { allow: ['EPERM'], keep: 'raw', why: 'a socket for ICMP, as ping opens it' }),
      )
      if (opened?.status === 'ok') await box.step(close(ref('raw')))
      return opened?.status === 'ok' ? choices[1] : choices[0]
    },
    because:
      'It still has the bit in its effective set. The bounding set is asked at execve only. Whoever wants both must do both: drop, and capset.',
  })
  const all = boundOf(stage.bottle)
  await stage.say('Is there a way back? The inheritable set goes through every execve unchanged. If CAP_NET_RAW were hidden there …')
  const [hidden] = await box.together('It wants CAP_NET_RAW inheritable', [
    { ...capset({ effective: all, permitted: all, inheritable: [DROPPED] }), allow: ['EPERM'] },
  ])
  await stage.say(
    hidden?.status === 'allowed'
      ? 'EPERM. What is not in the bounding set cannot be made inheritable either; the authors of the kernel have thought of it.'
      : 'It was accepted, which no kernel that we know of does.',
  )
  const after = ['it has CAP_NET_RAW again, as user 0', 'it has everything but CAP_NET_RAW'] as const
  await stage.predict({
    question: 'Now the process executes a shell, as user 0. The shell starts further programs. What do they have in effect?',
    choices: after,
    async measure() {
      const script = 'grep -E "CapEff|CapBnd" /proc/self/status; sleep 1000'
      await box.step(
        execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT, { why: 'a shell, which starts grep, which reads its own status' }),
      )
      return effectiveOf(statusOf(box)).includes(DROPPED) ? after[0] : after[1]
    },
    because: 'And no descendant of it ever will. There is a call to take something out of the bounding set, and none to put something in.',
  })
  await stage.look('The shell’s sets', () => {
    const missing = (held: readonly string[]) => `all of the bottle’s but ${listed(all.filter((one) => !held.includes(one)))}`
    const { effective, bounding } = statusOf(box).capabilities
    return [
      { label: 'CapEff', value: missing(effective.names), notice: true },
      { label: 'CapBnd', value: missing(bounding.names) },
    ]
  })
}
