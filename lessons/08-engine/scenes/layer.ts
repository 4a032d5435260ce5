/** Into the stopped container from outside, through its layer; and then it is started again. */
import { clone3, host } from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { contentOf, file, filesBelow } from '../../04-rootfs/looks.js'
import { drydock, openEngine } from '../engine.js'
import { IMAGE } from '../image.js'
import { processOf, upperOf } from '../looks.js'
import { atTerminal, PROMPT } from '../terminal.js'
import { WORDS } from './whales.js'

const FILE = '/tmp/myfile'
/** Of a second, in which the kernel counts when a process began. */
const TICKS = 100
const GREETING = 'And greetings from the host.'

export async function itsLayer(stage: Stage): Promise<void> {
  const { bottle } = stage
  const running = await openEngine(stage)
  if (!running) return
  const { engine } = running
  const id = await engine.run(
    { Image: IMAGE, Cmd: ['sh', '-c', `echo "${WORDS}" >> ${FILE}; exec sh`], Tty: true, OpenStdin: true },
    'whale',
  )
  const look = async () => {
    const { State } = await engine.inspect(id)
    return { pid: State.Pid, started: processOf(bottle, State.Pid)?.startTicks ?? 0, upper: upperOf(bottle, State.Pid) ?? 'none' }
  }
  const first = await look()
  await until('the words', () => contentOf(`${bottle.hostPath(first.upper)}${FILE}`)?.includes('\n'))
  const { GraphDriver } = await engine.inspect(id)
  await stage.say(
    `A container \`whale\` runs, and has written its words into \`${FILE}\`. Where does that file lie? There are two who know.`,
  )
  await stage.look('Its upper layer', () => [
    { label: 'the kernel', value: `upperdir=${first.upper}` },
    { label: 'the engine', value: `UpperDir ${GraphDriver.Data?.UpperDir ?? 'not told'}`, notice: true },
  ])
  await stage.say(
    'The first is `/proc/PID/mountinfo` of its process, which holds for every engine; the second is `docker inspect`, under `GraphDriver`. Never build such a path out of the id by hand: in the days of the article it was `aufs/diff/ID`, with overlay2 it is a name of its own, and Docker 29 keeps layers elsewhere and has no `GraphDriver` any more.',
  )
  await engine.must('POST', `/containers/${id}/stop?t=0`)
  const upper = bottle.hostPath(first.upper)
  await stage.look(`The container is stopped. What is in that directory`, () => tree(upper))
  const box = await stage.box('host')
  await stage.say('An ordinary directory of ordinary files: so one can change them. The host writes a line more.')
  await box.together(`Into …/diff${FILE}`, host(file(`${first.upper}${FILE}`, `${GREETING}\n`, { append: true })))
  const [refused, old, changed] = [
    'the engine refuses: the layer has been changed',
    'it sees its own file, as it left it',
    'it sees the line of the host',
  ] as const
  let second: typeof first | undefined
  await stage.predict({
    question: '`drydock start whale`, `drydock attach whale`, and inside: `cat /tmp/myfile`. What does it see?',
    choices: [refused, old, changed],
    async measure() {
      const start = await stage.box('start')
      await start.together('drydock start whale', [clone3([]), drydock(['start', 'whale'])])
      if ((await start.exited()).code !== 0) return refused
      const seat = await atTerminal(stage, 'attach', 'drydock attach whale', drydock(['attach', 'whale']))
      await seat.type('', PROMPT)
      await seat.type(`cat ${FILE}`, new RegExp(`${WORDS}[\\s\\S]*[#$] $`))
      second = await look()
      await seat.type('exit', 'exit')
      await seat.box.exited()
      return seat.box.output().includes(GREETING) ? changed : old
    },
    because:
      'No sum is kept of an upper layer; nobody looks. The layers of images have names that are sums (lesson 7), this one has not. Who may write in that directory is in the container, also while it does not run.',
  })
  if (!second) throw new DrydockError('the container could not be started again')
  const [one, other] = [first, second]
  await stage.look('The same container, in its two lives', () => [
    { label: 'process', value: `${one.pid}, then ${other.pid}` },
    { label: 'begun', value: `the second ${((other.started - one.started) / TICKS).toFixed(2)} s after the first` },
    { label: 'upper layer', value: one.upper === other.upper ? 'the same directory' : `${one.upper}, then ${other.upper}`, notice: true },
  ])
  await stage.say(
    'Another process, in namespaces that were made for it, on the same layer. (And its words stand there twice: `start` is not “go on”, it runs the command again, from the beginning.) While a container _runs_, leave its layer alone: what overlayfs shows when the directory below is changed behind its back is not defined. `docker cp` and `docker exec` are for that.',
  )
  await stage.exercise('plant')
}

const tree = (directory: string): LookRow[] =>
  filesBelow(directory)
    .filter(({ stat }) => !stat.isDirectory())
    .map(({ path, stat }) => ({
      label: `/${path}`,
      value: stat.isFile() ? JSON.stringify(contentOf(`${directory}/${path}`)) : 'no ordinary file',
    }))
