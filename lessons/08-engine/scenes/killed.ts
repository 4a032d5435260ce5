/** kill -9 of the engine: what goes with it, what does not, and what the next one finds. */
import { child, host, kill } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { contentOf } from '../../04-rootfs/looks.js'
import { DATA_ROOT, list, openEngine, reopenEngine } from '../engine.js'
import { IMAGE } from '../image.js'
import { lineageRows, processOf } from '../looks.js'

/** It counts aloud, once a second. */
const COUNTS = 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 1; done'
/** It ends when it is told to, with a code of its own. */
const WAITS = 'trap "exit 7" TERM; echo ready; while :; do sleep 1; done'

export async function killed(stage: Stage): Promise<void> {
  const { bottle } = stage
  const running = await openEngine(stage)
  if (!running) return
  const { box, engine } = running
  const counter = await engine.run({ Image: IMAGE, Cmd: ['sh', '-c', COUNTS] }, 'counter')
  const waiter = await engine.run({ Image: IMAGE, Cmd: ['sh', '-c', WAITS] }, 'waiter')
  const [counterPid, waiterPid] = [(await engine.inspect(counter)).State.Pid, (await engine.inspect(waiter)).State.Pid]
  const log = (id: string) => linesIn(contentOf(bottle.hostPath(`${DATA_ROOT}/containers/${id}/${id}-json.log`)))
  await until('the first lines', () => log(counter).length > 0 && log(waiter).length > 0)
  await stage.say('Two containers run. `counter` counts aloud; `waiter` waits to be ended, and says then why.')
  await stage.look('Who has made whom, from counter upwards', () => lineageRows(bottle, counterPid, box.childPid))
  const [dies, paused, lives] = [
    'it dies with the engine',
    'it stands still until there is an engine again',
    'it goes on as if nothing had happened',
  ] as const
  let before = 0
  await stage.predict({
    question: 'The engine gets SIGKILL: it cannot tidy up, nor say goodbye to anybody. What becomes of `counter`?',
    choices: [dies, paused, lives],
    async measure() {
      await box.step(host(kill(child, 'kill', { why: 'kill -9, to the engine' })))
      await box.exited()
      before = log(counter).length
      // Two lines more: whatever was on its way when the engine died is one of them at most.
      await until('two lines more', () => log(counter).length >= before + 2 || processOf(bottle, counterPid) === undefined)
      return processOf(bottle, counterPid) === undefined ? dies : log(counter).length >= before + 2 ? lives : paused
    },
    because:
      'It is not the engine’s child. Its parent is a shim, a small program that has made the calls of the plan, holds the other ends of its streams, writes the log, and waits for the end. For none of that it needs an engine. (Docker’s is called containerd-shim.)',
  })
  await stage.look('Who has made whom, now', () => lineageRows(bottle, counterPid, undefined))
  await stage.look('The log, with nobody to ask for it', () => [
    { label: 'lines when the engine died', value: String(before) },
    { label: 'lines now', value: String(log(counter).length), notice: true },
  ])
  await stage.say('Nobody can ask anything now:')
  const hand = await stage.box('host')
  await list(stage)
  await stage.say('And nobody can be told that something ends. Just now `waiter` does.')
  await hand.step(host(kill(waiterPid, 'term', { why: 'to its first process, which has a trap for it' })))
  await until('the end of waiter', () => processOf(bottle, waiterPid) === undefined)
  await reopened(stage, counter)
  const lines = log(counter)
  await stage.look('And the log of counter', () => [
    { label: 'from', value: lines[0] ?? 'nothing' },
    { label: 'to', value: lines.at(-1) ?? 'nothing' },
    { label: 'missing between them', value: missingIn(lines) || 'none', notice: true },
  ])
}

async function reopened(stage: Stage, counter: string): Promise<void> {
  const { engine } = await reopenEngine(stage)
  await list(stage, ['-a'])
  const [one, other] = [await engine.inspect(counter), await engine.inspect('waiter')]
  await stage.look('What the new engine knows', (): LookRow[] => [
    { label: 'counter', value: `${one.State.Status}, process ${one.State.Pid}` },
    { label: 'waiter', value: `${other.State.Status}, exit code ${other.State.ExitCode}`, notice: true },
  ])
  await stage.say(
    'It was not there when `waiter` ended, and nobody can wait for somebody else’s child. The shim had waited, and has left a file with the exit code. So an engine is what can be thrown away: it reads the records, knocks at the shims, and goes on.',
  )
}

/** What was printed, out of lines such as `{"log":"line 1\n","stream":"stdout","time":"…"}`. */
const linesIn = (text = ''): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { log: string }).log.trim())

/** Numbers that do not come, of a row that should have all. */
function missingIn(lines: readonly string[]): string {
  const numbers = lines.map((line) => Number(line.split(' ')[1]))
  const all = Array.from({ length: numbers.at(-1) ?? 0 }, (_, index) => index + 1)
  return all.filter((number) => !numbers.includes(number)).join(', ')
}
