/** unshare(CLONE_NEWPID) does not move its caller: two links of /proc say so. */
import { clone3, getpid, host, unshare } from '../../../lib/index.js'
import { readNamespace } from '../../../lib/kernel/proc/namespaces.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { procOf } from '../looks.js'

export async function unshareMovesNobody(stage: Stage): Promise<void> {
  const root = procOf(stage.bottle)
  const box = await stage.box()
  const shim = box.shim.pid
  const links = () => ({ own: readNamespace(shim, 'pid', root), children: readNamespace(shim, 'pid_for_children', root) })
  const show = () => {
    const { own, children } = links()
    return [
      { label: 'ns/pid', value: String(own) },
      {
        label: 'ns/pid_for_children',
        value: children === undefined ? 'none yet: nobody has been born there' : String(children),
        notice: true,
      },
    ]
  }
  const before = links()
  await stage.look('The shim', show)

  const choices = ['in a new pid namespace, as its process 1', 'where it was'] as const
  await stage.predict({
    question: 'The shim itself calls unshare, with `pid`. The call succeeds. Where is the shim now?',
    choices,
    async measure() {
      await box.step(host(unshare(['pid'], { why: 'a new pid namespace, but for whom?' })))
      return links().own === before.own ? choices[1] : choices[0]
    },
    because: 'A living process keeps its pid. What has changed is the place where its next child will be born.',
  })
  await stage.look('The shim', show)
  await box.fails(host({ ...unshare(['pid']), why: 'once more? a caller that waits for its first child there cannot ask again' }), 'EINVAL')
  await box.step(
    clone3([], { why: 'no word for a pid namespace here; the child is born in the one that was unshared' }),
    getpid({ why: 'and is the first there' }),
  )
  await stage.look('The shim, and its child', () => [
    ...show(),
    { label: 'the child’s ns/pid', value: String(readNamespace(box.childPid as number, 'pid', root)), notice: true },
  ])
  await stage.say('Now you know why the command `unshare --pid` needs `--fork`: without it, the program that you run stays outside.')
}
