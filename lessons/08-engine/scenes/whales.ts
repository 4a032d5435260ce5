/** The article's container: run it, write a file in it, leave; and what of it is left, in the kernel and on the disk. */
import { existsSync, readdirSync } from 'node:fs'
import { textIfReadable } from '../../../lib/kernel/readable.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { contentOf, filesBelow } from '../../04-rootfs/looks.js'
import { DATA_ROOT, drydock, list, openEngine, shellWithDrydock } from '../engine.js'
import { IMAGE } from '../image.js'
import { leftOf, leftRows, type Trace, traceOf } from '../looks.js'
import { atTerminal, PROMPT } from '../terminal.js'

export const WORDS = 'Happy whales !'
const FILE = '/tmp/myfile'

export async function happyWhales(stage: Stage): Promise<void> {
  const { bottle } = stage
  const running = await openEngine(stage)
  if (!running) return
  const { engine } = running
  const { box, see, type } = await atTerminal(stage, 'you', `drydock run -it ${IMAGE} sh`, drydock(['run', '-it', IMAGE, 'sh']))
  await see(PROMPT)
  const [id = ''] = await engine.all()
  await type('hostname', id.slice(0, 12))
  await type('cat /etc/hosts', /localhost[\s\S]*[#$] $/)
  const { State, Config } = await engine.inspect(id)
  await type(`echo "${WORDS}" > ${FILE}; cat ${FILE}`, `\n${WORDS}`)
  const trace = traceOf(bottle, State.Pid) as Trace
  const alive = leftRows(bottle, trace)
  const hosts = textIfReadable(`/proc/${bottle.hostPid(State.Pid)}/root/etc/hosts`)
    ?.split('\n')
    .find((line) => line.includes(Config.Hostname))
    ?.replace(/\s+/g, ' ')
  await type('exit', 'exit')
  await box.exited()
  await stage.look('The number that is everywhere', () => [
    { label: 'id', value: `${id.slice(0, 12)}… (64 digits, chosen at random)` },
    { label: 'host name', value: Config.Hostname, notice: true },
    { label: 'in its /etc/hosts', value: hosts ?? 'no line of its own, since it has no network here' },
    { label: 'first process', value: `${State.Pid} to the bottle, 1 to itself` },
  ])
  await stage.look('Of this container the kernel had, while it ran', () => alive)
  await list(stage)
  await list(stage, ['-a'])
  await stage.say('`ps` shows nothing; `ps -a` knows it, with the exit code. So something has been kept. What?')
  const [asleep, half, nothing] = ['the process, asleep', 'the namespaces and mounts, without a process', 'nothing'] as const
  await stage.predict({
    question: 'A container that has _exited_: what of it is still in the kernel?',
    choices: [asleep, half, nothing],
    async measure() {
      const { process, inside, mounts } = leftOf(bottle, trace)
      return process ? asleep : inside + mounts > 0 ? half : nothing
    },
    because:
      'Lesson 1: when process 1 ends, its pid namespace is emptied; and a namespace or a mount in which nobody is any more goes by itself. For the kernel there has never been a container.',
  })
  await stage.look('Of this container the kernel has now', () => leftRows(bottle, trace))
  const [lost, image, directory] = ['it is gone with the container', 'it is in the image now', 'it is on the disk of the host'] as const
  const upper = bottle.hostPath(trace.upper)
  await stage.predict({
    question: `And \`${FILE}\`?`,
    choices: [lost, image, directory],
    measure: async () => (contentOf(`${upper}${FILE}`)?.includes(WORDS) ? directory : lost),
    because:
      'The upper layer of its overlay (lesson 4) is an ordinary directory, made before the container and not by it. Whoever ends a process removes no directories by that.',
  })
  await stage.look('On the disk', () => [
    { label: 'its record', value: names(bottle.hostPath(`${DATA_ROOT}/containers/${id}`)).replaceAll(id, 'ID') },
    {
      label: 'its layer',
      value: filesBelow(upper)
        .map(({ path }) => `/${path}`)
        .join(' '),
    },
    { label: FILE, value: JSON.stringify(contentOf(`${upper}${FILE}`)?.trim()), notice: true },
  ])
  await stage.say('That is all that a stopped container is: a directory, and some JSON that says how to begin again.')
  await shellWithDrydock(stage, running.box, [
    { command: `drydock run -it ${IMAGE} sh`, why: 'the same by your own hand; `exit` leads back' },
    { command: 'drydock ps -a', why: 'yours, and the one that you have seen' },
    { command: `ls ${DATA_ROOT}/containers ${DATA_ROOT}/overlay`, why: 'records and layers; one of the layers is the image’s' },
    { command: 'drydock logs $(drydock ps -lq)', why: 'the engine has kept what the terminal showed' },
    { command: 'drydock rm $(drydock ps -aq)', why: 'and now there are no records and no layers' },
  ])
}

const names = (directory: string): string => (existsSync(directory) ? readdirSync(directory).join(' ') : 'none')
