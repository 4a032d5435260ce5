/** What the exercises find: an engine in the bottle, and a door to it for the learner's own program, which runs outside. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bottle } from '../../../lib/bottle.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { giveToInvoker } from '../../../lib/kernel/places.js'
import type { Setting, Trial } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import type { Engine } from '../client.js'
import { quietEngine, SOCKET } from '../engine.js'
import { IMAGE } from '../image.js'
import { processOf } from '../looks.js'
import { wire } from '../wire.js'

/** unix(7). */
const LONGEST_PATH = 107

/** The engine, and its socket as the learner's user reaches it, until `close`. `prepare` makes what else shall be there. */
async function withEngine(bottle: Bottle, prepare: (engine: Engine) => Promise<void>): Promise<Setting> {
  const engine = await quietEngine(bottle)
  await prepare(engine)
  const directory = mkdtempSync(join(tmpdir(), 'drydock-'))
  const socket = join(directory, 'engine.sock')
  if (Buffer.byteLength(socket) > LONGEST_PATH) throw new DrydockError(`${socket} is too long for a socket: set TMPDIR to a shorter path`)
  const door = await wire(socket, bottle.hostPath(SOCKET))
  giveToInvoker(directory, { recursive: true })
  return {
    given: { socket },
    async close() {
      await door.close()
      rmSync(directory, { recursive: true })
    },
  }
}

export const createSetting = (bottle: Bottle): Promise<Setting> => withEngine(bottle, async () => undefined)

/** What the container of “plant” runs, as often as it is started. */
const noteIn = (directory: string) => ['sh', '-c', `mkdir -p ${directory}; echo "Happy whales !" > ${directory}/myfile; exec sleep 1000`]

/** Two containers that have run and were stopped; of each there is a layer, and only one of them is meant. */
export const plantSetting = (bottle: Bottle, { container, other, directory }: Trial['challenge']): Promise<Setting> =>
  withEngine(bottle, async (engine) => {
    for (const name of [container, other] as string[]) {
      await engine.run({ Image: IMAGE, Cmd: noteIn(directory as string), HostConfig: { NetworkMode: 'none' } }, name)
      await settled(bottle, engine, name)
      await engine.must('POST', `/containers/${name}/stop?t=0`)
    }
  })

/** Wait until it has written its file, and is the program that comes after that. */
async function settled(bottle: Bottle, engine: Engine, name: string): Promise<void> {
  const { Pid } = (await engine.inspect(name)).State
  await until(`the end of what ${name} does`, () => processOf(bottle, Pid)?.comm === 'sleep')
}

/**
 * What the container of “attach” runs: it takes in all that comes, up to the end, keeps it, and answers with a word that nobody can have known, in two pieces,
 * with other things said on stderr before, between and behind.
 */
const ANSWERS = `cat > /heard
read word < /proc/sys/kernel/random/uuid; read other < /proc/sys/kernel/random/uuid
printf %s "$word" > /said
echo "$other" >&2; printf %s "\${word%%-*}"; echo "-$other" >&2; echo "-\${word#*-}"; echo "$other" >&2`

export const attachSetting = (bottle: Bottle, { container }: Trial['challenge']): Promise<Setting> =>
  withEngine(bottle, async (engine) => {
    const config = { Image: IMAGE, Cmd: ['sh', '-c', ANSWERS], OpenStdin: true, StdinOnce: true, HostConfig: { NetworkMode: 'none' } }
    await engine.run(config, container as string)
  })
