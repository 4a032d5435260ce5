/** The files of a running container, found from outside; what is left when it has ended; and how it is started again. */
import { child, clone3, execve, host, kill, mount, type Step } from '../../../lib/index.js'
import { overlayOf } from '../../../lib/kernel/proc/mountinfo.js'
import { readNamespace } from '../../../lib/kernel/proc/namespaces.js'
import { readProcesses } from '../../../lib/kernel/proc/processes.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, newName, until } from '../../01-namespaces/looks.js'
import { contentOf, directories, layerRows, layersOption, mountsOf, rootLayers } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

export async function diffDirectory(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const store = `/store/${newName('c')}`
  const note = newName('note')
  const container = (script: string): Step[] => [
    clone3(['mnt', 'pid']),
    mount(null, '/', null, ['rec', 'private']),
    mount('overlay', `${store}/merged`, 'overlay', [], layersOption(bottle, [WORLD], { upper: `${store}/diff`, work: `${store}/work` })),
    ...leaveFor(`${store}/merged`),
    execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT),
  ]
  const first = await stage.box('container')
  await first.together('A container with an upper layer somewhere, whose shell writes a file', [
    ...host(directories('/store', store, `${store}/diff`, `${store}/work`, `${store}/merged`)),
    ...container(`echo ${note} > /tmp/myfile; exec sleep 1000`),
  ])
  await until('the file', () => contentOf(`/proc/${first.hostPid()}/root/tmp/myfile`)?.includes(note))
  await stage.say(
    'The shell in the container has written `/tmp/myfile`. Now we are outside, and know nothing but the number of the process. Where on the disk is that file? The process’s own mountinfo says it.',
  )
  await stage.look(`The line of “/” in /proc/${first.hostPid()}/mountinfo`, () => {
    const root = mountsOf(first.hostPid()).find(({ mountPoint }) => mountPoint === '/')
    return [
      { label: 'type', value: root?.fsType ?? '' },
      ...(root?.superOptions ?? [])
        .filter((option) => /^(lower|upper|work)dir/.test(option))
        .map((option) => ({
          label: option.slice(0, option.indexOf('=')),
          value: option.slice(option.indexOf('=') + 1),
          notice: option.startsWith('upperdir'),
        })),
    ]
  })
  const upper = rootLayers(first.hostPid())?.upper as string
  await stage.look(`${upper}, seen from the bottle`, () => layerRows(bottle.hostPath(upper)))
  await stage.say('That is the container’s whole own contribution: the directory that Docker’s storage calls `diff`.')

  const kept = ['it is gone with the container', 'it is there, in the same place'] as const
  await stage.predict({
    question: 'The container is killed. Its mount namespace goes, and with it the overlay. And the file?',
    choices: kept,
    async measure() {
      await first.step(host(kill(child, 'kill', { why: 'as docker stop does in the end' })))
      await first.exited()
      return contentOf(bottle.hostPath(`${upper}/tmp/myfile`))?.includes(note) ? kept[1] : kept[0]
    },
    because:
      'The mount was only a way to look at the layers. A stopped container is a directory, and a few lines about how it was started.',
  })
  const second = await stage.box('started again')
  await second.together('The same again, with the same upper layer: docker start', container('cat /tmp/myfile; exec sleep 1000'))
  await until('the second shell', () => second.output().includes(note))
  await stage.look('Then and now', () => [
    { label: 'process of the first start', value: String(first.childPid) },
    { label: 'process of the second', value: String(second.childPid) },
    {
      label: 'upperdir',
      value: `${rootLayers(second.hostPid())?.upper === upper ? 'the same: ' : ''}${rootLayers(second.hostPid())?.upper}`,
      notice: true,
    },
  ])
  await stage.look('Processes of your machine whose root is an overlay of its own', () => {
    const rows = overlaysHere()
    return rows.length > 0 ? rows : [{ label: 'now', value: 'none that this user can see, but for ours' }]
  })
}

/** Containers of engines on this machine, by their roots; those of this bottle are not counted. */
function overlaysHere(): LookRow[] {
  const own = readNamespace('self', 'mnt')
  const seen = new Set<string>()
  return readProcesses().flatMap(({ pid, comm }) => {
    try {
      const root = readNamespace(pid, 'mnt') === own ? undefined : mountsOf(pid).find(({ mountPoint }) => mountPoint === '/')
      const upper = root && overlayOf(root)?.upper
      if (upper === undefined || upper.startsWith('/store/') || seen.has(upper)) return []
      seen.add(upper)
      return [{ label: `${pid} ${comm}`, value: upper }]
    } catch {
      return []
    }
  })
}
