/** The exercises “create”, “plant” and “attach”: the container's process in the kernel, its layer on the disk, and what the engine says of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bottle } from '../../../lib/bottle.js'
import { begun } from '../../../lib/kernel/proc/begun.js'
import { readProcFile } from '../../../lib/kernel/proc/read.js'
import type { Trial } from '../../../lib/tutor/lesson.js'
import { readHostname } from '../../../lib/tutor/state.js'
import { procOf } from '../../01-namespaces/looks.js'
import { contentOf } from '../../04-rootfs/looks.js'
import { type ContainerDocument, Engine } from '../client.js'
import { SOCKET } from '../engine.js'
import { processOf } from '../looks.js'

type Words<Name extends string> = Readonly<Record<Name, string>>

/** Milliseconds that a program may take for what it does at once, on a slow machine too; and between two looks. */
const PATIENCE = 4000
const BETWEEN_LOOKS = 20

/** Until it is so, or is not to be expected any more. */
async function settled(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE; !(await holds()) && Date.now() < end; ) await sleep(BETWEEN_LOOKS)
}

const engineOf = (bottle: Bottle) => new Engine(bottle.hostPath(SOCKET))

/** The container of that name; expects that there is one. */
async function found({ bottle, expect }: Bound, name: string, hint: number): Promise<ContainerDocument | undefined> {
  const { status, text } = await engineOf(bottle).ask('GET', `/containers/${name}/json`)
  expect(status === 200, `the engine has no container ${name}: it answers ${status}`, hint)
  return status === 200 ? (JSON.parse(text) as ContainerDocument) : undefined
}

interface Bound {
  readonly bottle: Bottle
  readonly expect: Trial['expect']
}

const bound = (trial: Trial): Bound => ({ bottle: trial.bottle, expect: (...about) => trial.expect(...about) })

export async function checkCreate(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { name, hostname, variable, value, label, text } = trial.challenge as Words<
    'name' | 'hostname' | 'variable' | 'value' | 'label' | 'text'
  >
  const seconds = String(trial.challenge.seconds)
  await trial.run()
  const document = await found(bound(trial), name, 1)
  if (!document) return
  const { State, Config } = document
  const labelled = Config.Labels?.[label]
  trial.expect(labelled === text, `its label ${label} is ${JSON.stringify(labelled ?? null)}, not “${text}”`, 4)
  trial.expect(State.Running, `the container ${name} is there, and it does not run: its status is “${State.Status}”`, 2)
  if (!State.Running) return
  // From here on the kernel is asked, about the process that the engine says it is.
  await begun(State.Pid, procOf(bottle))
  const command = processOf(bottle, State.Pid)?.commandLine ?? []
  trial.expect(command.join(' ') === `sleep ${seconds}`, `process 1 of it is \`${command.join(' ')}\`, not \`sleep ${seconds}\``, 3)
  const named = await readHostname(bottle, State.Pid)
  trial.expect(named === hostname, `its host name is ${named}, not ${hostname}`, 4)
  const environment = (readProcFile(`${procOf(bottle)}/${State.Pid}/environ`) ?? '').split('\0')
  trial.expect(environment.includes(`${variable}=${value}`), `its process has no ${variable}=${value} in its environment`, 4)
}

export async function checkPlant(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { container, other, directory, file, text } = trial.challenge as Words<'container' | 'other' | 'directory' | 'file' | 'text'>
  await trial.run()
  const engine = engineOf(bottle)
  const before = await found(bound(trial), container, 1)
  if (!before) return
  trial.expect(!before.State.Running, `${container} runs already: it was to be started by the tutor`, 1)
  for (const name of [container, other]) {
    await engine.ask('POST', `/containers/${name}/start`)
    // The file of its own is empty for a moment while it is written anew.
    await settled(async () => {
      const { State } = await engine.inspect(name)
      return !State.Running || processOf(bottle, State.Pid)?.comm === 'sleep'
    })
  }
  const inside = async (name: string, path: string) => {
    const { State } = await engine.inspect(name)
    const hostPid = State.Running ? bottle.hostPid(State.Pid) : undefined
    return hostPid === undefined ? undefined : contentOf(`/proc/${hostPid}/root${path}`)
  }
  const [seen, elsewhere] = [await inside(container, `${directory}/${file}`), await inside(other, `${directory}/${file}`)]
  trial.expect(elsewhere === undefined, `${directory}/${file} is in the container ${other}, which was not meant`, 2)
  trial.expect(
    seen?.trimEnd() === text,
    `${container} was started, and ${directory}/${file} in it ${seen === undefined ? 'is not there' : `has ${JSON.stringify(seen.slice(0, 40))} in it`}`,
    3,
  )
  const own = await inside(container, `${directory}/myfile`)
  trial.expect(own?.includes('whales') === true, `its own file ${directory}/myfile is gone`, 2)
}

export async function checkAttach(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { container, word, answer } = trial.challenge as Words<'container' | 'word' | 'answer'>
  await trial.run()
  const document = await found(bound(trial), container, 1)
  if (!document) return
  // Who was told that this was all says its answer and ends; before that nothing of it need be whole.
  await settled(async () => !(await engineOf(bottle).inspect(container)).State.Running)
  const upper = bottle.hostPath(document.GraphDriver.Data?.UpperDir ?? '/none')
  const heard = contentOf(`${upper}/heard`)
  trial.expect(
    heard?.trimEnd() === word,
    heard ? `the container has heard ${JSON.stringify(heard.slice(0, 40))}, not “${word}”` : 'the container has heard nothing',
    2,
  )
  const said = contentOf(`${upper}/said`)
  trial.expect(said !== undefined, 'the container still listens: nobody has told it that this was all', 3)
  if (said === undefined) return
  const got = contentOf(bottle.hostPath(answer))
  const shown = got === undefined ? 'is not there' : `has ${JSON.stringify(got.slice(0, 48))} in it`
  trial.expect(got?.trimEnd() === said, `${answer} ${shown}; the container has said “${said}” on its stdout`, got === undefined ? 5 : 4)
}
