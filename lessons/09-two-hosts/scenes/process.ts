/** A container that was started on vm-2: where is its process, and whose kernel does it see? */
import { readFileSync } from 'node:fs'
import { type Process, readProcesses } from '../../../lib/kernel/proc/processes.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { procOf, until } from '../../01-namespaces/looks.js'
import { IMAGE } from '../../08-engine/image.js'
import { commandOf, lineageRows } from '../../08-engine/looks.js'
import { type } from '../commands.js'
import { open, openEngine, remote } from '../engine.js'
import { type Name, type TwoHosts, twoHosts } from '../ground.js'

/** A command line that nobody else has. */
const SLEEP = ['sleep', '4321'] as const

export async function whoseProcess(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  const running = await openEngine(stage, open(hosts))
  if (!running) return
  const [here, there, both] = ['on vm-2, where it was typed', 'on vm-1', 'on both, half and half'] as const
  await stage.predict({
    question: `On vm-2 somebody types \`drydock run -d --name whale ${IMAGE} ${SLEEP.join(' ')}\`. Where is the process \`sleep\`?`,
    choices: [here, there, both],
    async measure() {
      await type(stage, 'vm-2', ['drydock', 'run', '-d', '--name', 'whale', IMAGE, ...SLEEP], remote(hosts))
      const is = (name: Name) => sleepers(hosts, name).length > 0
      await until('the start of sleep', () => is('vm-1') || is('vm-2'))
      const [one, two] = [is('vm-1'), is('vm-2')]
      return one && two ? both : one ? there : here
    },
    because:
      'The client has sent a few lines of text and has printed one. It made no call of the list of lesson 6, and it is gone. The process was made by who can make it: a shim of the engine, on vm-1, in the kernel of vm-1.',
  })
  await stage.look('Processes that run that command', () =>
    (['vm-1', 'vm-2'] as const).map((name) => ({
      label: name,
      value: sleepers(hosts, name).map(shown).join('; ') || 'none',
      notice: true,
    })),
  )
  const { Pid } = (await running.engine.inspect('whale')).State
  await stage.look('On vm-1: who has made whom, from the container upwards', () => lineageRows(hosts.on('vm-1'), Pid, running.box.childPid))
  await stage.look('Left on vm-2 by that command', () => {
    const rest = readProcesses(procOf(hosts.on('vm-2'))).filter((one) => commandOf(one).includes('drydock'))
    return [{ label: 'processes', value: rest.map(shown).join('; ') || 'none' }]
  })
  await stage.say(
    'Ask the container itself. (`exec` and `logs` go the same way, and so does everything that you type at a prompt of `run -it`.)',
  )
  await type(stage, 'vm-2', ['drydock', 'exec', 'whale', 'uname', '-sr'], remote(hosts))
  await honest(stage)
}

const sleepers = (hosts: TwoHosts, name: Name): Process[] =>
  readProcesses(procOf(hosts.on(name))).filter(({ commandLine }) => commandLine.join(' ') === SLEEP.join(' '))

const shown = (process: Process) => `process ${process.pid}: ${commandOf(process)}`

/** Two machines have two kernels; these two hosts share one, and that shall not be hidden. */
async function honest(stage: Stage): Promise<void> {
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  await stage.look('The release of a kernel', (): LookRow[] => [{ label: 'of your machine', value: release }])
  await stage.say(
    'Here one has to be honest. On two real machines this would be the release of vm-1, whatever runs on vm-2: a Mac can start containers on a Linux server so. Your vm-1 and vm-2 are made of namespaces, and share the one kernel that there is. What tells them apart is all that you have learned to make: host name, processes, network, mounts, users. For the question “where is the process?” that is enough.',
  )
}
