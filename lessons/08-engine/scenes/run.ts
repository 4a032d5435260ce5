/** What `run` says to the engine: a socket in between that keeps every request; and the bytes when it is no HTTP any more. */
import { clone3 } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { drydock, list, openEngine, SOCKET } from '../engine.js'
import { framesIn, headInHex } from '../frames.js'
import { IMAGE } from '../image.js'
import type { Exchange } from '../listener.js'
import { atTerminal, PROMPT } from '../terminal.js'
import { type Wire, wire } from '../wire.js'

const BETWEEN = '/run/between.sock'

export async function whatRunSays(stage: Stage): Promise<void> {
  if (!(await openEngine(stage))) return
  const between = await wire(stage.bottle.hostPath(BETWEEN), stage.bottle.hostPath(SOCKET))
  try {
    await said(stage, between)
  } finally {
    await between.close()
  }
}

async function said(stage: Stage, between: Wire): Promise<void> {
  await stage.say(
    `Between the client and the engine sits the tutor now: it listens at \`${BETWEEN}\`, passes on every byte to \`${SOCKET}\` and back, and writes down what it hears. Neither of the two can tell.`,
  )
  await list(stage, [], BETWEEN)
  await stage.look('What was said', () => exchanges(between.exchanges))
  const [one, two, more] = ['one: run', 'two: create and start', 'more than two'] as const
  const from = between.exchanges.length
  await stage.predict({
    question: `\`drydock run -it --rm ${IMAGE} sh\` is typed, then \`exit\`. How many requests about the container does the client make for that?`,
    choices: [one, two, more],
    async measure() {
      const { box, type, see } = await atTerminal(
        stage,
        'run -it',
        `drydock run -it --rm ${IMAGE} sh`,
        drydock(['run', '-it', '--rm', IMAGE, 'sh'], { socket: BETWEEN }),
      )
      await see(PROMPT)
      await type('exit', 'exit')
      await box.exited()
      const about = between.exchanges.slice(from).filter(({ path }) => path.includes('/containers/'))
      return about.length === 1 ? one : about.length === 2 ? two : more
    },
    because:
      'There is no `run` in the API. It is a word of the client’s: create, attach, ask to be told of the end, start; and then the size of the window, whenever it changes. The start comes after the other three. Who attached later would miss the first words of the program, and who asked later might miss its end.',
  })
  await stage.look('What was said', () => exchanges(between.exchanges.slice(from)))
  const create = between.exchanges.slice(from).find(({ path }) => path.includes('/containers/create'))
  await stage.look('In the body of create, among much else', () => created(create))
  await upgraded(stage, between)
  await stage.exercise('create')
  await stage.exercise('attach')
}

async function upgraded(stage: Stage, between: Wire): Promise<void> {
  const attached = between.connections.find(({ raw }) => raw.engine.length > 0)
  await stage.look('On the connection of attach, after its 101', () => [
    { label: 'the client said', value: JSON.stringify(Buffer.concat(attached?.raw.client ?? []).toString()) },
    {
      label: 'the engine said',
      value: JSON.stringify(
        Buffer.concat(attached?.raw.engine ?? [])
          .toString()
          .slice(0, 60),
      ),
    },
  ])
  await stage.say(
    '`101` means: this connection is no HTTP any more. From there on what is typed goes one way and what the terminal shows the other, byte by byte: `-it` is two programs talking. Now without a terminal. The program has two outputs then, and there is one connection.',
  )
  const count = between.connections.length
  const box = await stage.box('run')
  const command = ['run', '--rm', IMAGE, 'sh', '-c', 'echo fine; echo trouble >&2']
  await box.together(`drydock run --rm ${IMAGE} sh -c 'echo fine; echo trouble >&2'`, [clone3([]), drydock(command, { socket: BETWEEN })])
  await box.exited()
  await stage.look('What came out of the engine', () => {
    const bytes = between.connections.slice(count).flatMap(({ raw }) => raw.engine)
    return framesIn(Buffer.concat(bytes)).map((frame) => ({
      label: frame.stream === 1 ? 'stdout' : 'stderr',
      value: `${headInHex(frame)}  ${JSON.stringify(frame.bytes.toString())}`,
    }))
  })
  await stage.say(
    'Eight bytes before each piece: the stream, three zeros, and how many bytes follow, the highest first. So one connection carries two.',
  )
}

/** `/v1.47/containers/3f2a…/attach?…` without the version, the rest of the id, and what is after the question mark. */
const brief = (path: string) =>
  path
    .replace(/^\/v[\d.]+/, '')
    .replace(/[0-9a-f]{52}(?=\/|$|\?)/, '…')
    .replace(/\?.*/, '')

const exchanges = (list: readonly Exchange[]): LookRow[] =>
  list.map(({ method, path, status }) => ({ label: method, value: `${brief(path)} → ${status ?? 'no answer'}`, notice: status === 101 }))

function created(exchange: Exchange | undefined): LookRow[] {
  const document = JSON.parse(exchange?.body || '{}') as Record<string, unknown>
  return ['Image', 'Cmd', 'Tty', 'OpenStdin', 'AttachStdin'].map((name) => ({ label: name, value: JSON.stringify(document[name]) }))
}
