/** The same list, phase by phase: what earlier lessons taught in one go, what is new call by call. */

import { PHASES } from '../../../lib/container/plan.js'
import type { Phase } from '../../../lib/index.js'
import { readProcess } from '../../../lib/kernel/proc/processes.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { newName, until } from '../../01-namespaces/looks.js'
import { mountsOf } from '../../04-rootfs/looks.js'
import { build, buildHull, of } from '../container.js'
import { descriptors } from '../looks.js'

/** The phases of which there is nothing new to see; the others come call by call. */
const TAUGHT: Partial<Record<Phase, string>> = {
  prepare: 'limits (lesson 2), and a line to the kernel’s network (lesson 5)',
  admit: 'who is who inside (lesson 1)',
  become: 'user 0 (lesson 1)',
  confine: 'into the cgroups, and they become the top of its tree (lesson 2)',
  network: 'the loopback, a cable, an address (lesson 5)',
  mounts: 'the root, /proc, /sys, /dev (lesson 4)',
  root: 'out of the host’s tree (lesson 4)',
  name: 'its own (lesson 1)',
  mask: 'what of /proc and /sys is covered (lesson 4)',
  filter: 'the default profile (lesson 3)',
  privileges: 'all capabilities but fourteen are gone (lesson 3)',
}

const NOW_NEW =
  'So far this is a container, and nobody can talk to it. Now what is new: a terminal. Watch who holds which end of it. The container asks *its own* devpts for one, so that it is ' +
  'called `/dev/pts/0` inside; and in the end, the end at which people type has to come out to the host.'

export async function stepByStep(stage: Stage): Promise<void> {
  const { bottle } = stage
  buildHull(bottle)
  const hostname = newName('ship')
  const script = 'echo "process $$ of $(cat /proc/sys/kernel/hostname)"; exec sleep 1000'
  const { steps, beforehand, streams } = await build(bottle, {
    argv: ['/bin/sh', '-c', script],
    hostname,
    terminal: { rows: 24, columns: 80 },
  })
  const box = await stage.box('ship', { ownMonitor: true })
  if (beforehand.length > 0) await box.together('A bridge on the host, as in lesson 5', beforehand)
  let open = 0
  for (const { name } of PHASES) {
    const own = of(steps, name)
    if (name === 'terminal') await stage.say(NOW_NEW)
    if (name === 'exec') open = descriptors(box.hostPid()).length
    const title = TAUGHT[name]
    if (title === undefined) await box.step(...own)
    else if (own.length > 0) await box.together(`${name}: ${title}`, own)
    if (name !== 'terminal') continue
    // The outer end is with the shim now: what comes out of it goes to the screen from here on.
    await box.shim.monitor(streams.monitor)
    await stage.look('The container, as it stands: it is complete, and still root with all rights', () => summary(box.hostPid()))
  }
  await until('the shell’s word', () => box.output().includes(hostname))
  await until('the program after it', () => readProcess(box.hostPid())?.commandLine[0] === 'sleep')
  await stage.look('Open descriptors', () => [
    { label: 'before the execve', value: String(open) },
    { label: 'after it', value: descriptorWords(box.hostPid()), notice: true },
  ])
  await stage.look('The container, as it runs', () => summary(box.hostPid()))
  await stage.exercise('run')
}

const descriptorWords = (hostPid: number) =>
  descriptors(hostPid)
    .map(([number, target]) => `${number} → ${target}`)
    .join(', ')

function summary(hostPid: number): LookRow[] {
  const status = readStatus(hostPid)
  const process = readProcess(hostPid)
  return [
    {
      label: 'process',
      value: `${status?.nsPids.at(-1)} to itself, ${hostPid} to your machine: ${process?.commandLine.join(' ').slice(0, 40) ?? ''}`,
    },
    { label: 'mounts', value: String(mountsOf(hostPid).length) },
    { label: 'capabilities in effect', value: String(status?.capabilities.effective.names.length) },
    { label: 'seccomp', value: status?.seccomp ?? 'not told' },
  ]
}
