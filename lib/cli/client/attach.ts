/** `drydock attach`: back to a container that runs. */
import { parseDetachKeys } from '../../engine/keys.js'
import { DrydockError } from '../../kernel/errors.js'
import { queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { passSignals } from './signals.js'
import { checkTerminal, consoleSize, converse, followSize } from './streams.js'
import { verb } from './verb.js'
import { awaitEnd } from './waiting.js'

interface Flags {
  readonly detachKeys?: string
  readonly stdin: boolean
  readonly sigProxy: boolean
}

export const attach = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Go back to a running container: its output comes here, and what is typed goes there.')
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>', 'its name or its id')
      .option('--detach-keys <keys>', 'what leaves it without ending it')
      .option('--no-stdin', 'do not pass input on')
      .option('--sig-proxy', 'pass signals on; --sig-proxy=false: do not', true),
  async ({ options, args, engine: open }) => {
    const keys = parseDetachKeys(options.detachKeys ?? 'ctrl-p,ctrl-q')
    const engine = await open()
    const { Id, State, Config } = await engine.ask(engine.container(args[0] as string).inspect())
    if (!State.Running) throw new DrydockError('You cannot attach to a stopped container, start it first', { status: 409 })
    if (State.Paused) throw new DrydockError('You cannot attach to a paused container, unpause it first', { status: 409 })
    if (State.Restarting) throw new DrydockError('You cannot attach to a restarting container, wait until it is running', { status: 409 })
    const stdin = options.stdin && Config.OpenStdin
    checkTerminal(stdin, Config.Tty)
    const { ending } = await awaitEnd(engine, Id)
    const unproxy = options.sigProxy && !Config.Tty ? passSignals(engine, Id) : () => undefined
    const stream = await engine.hijack({
      method: 'POST',
      path: `/containers/${Id}/attach`,
      query: {
        stream: 1,
        stdout: 1,
        stderr: 1,
        ...(stdin && { stdin: 1 }),
        ...(options.detachKeys !== undefined && { detachKeys: options.detachKeys }),
      },
    })
    const resize = (h: number, w: number) => engine.container(Id).resize(queryOnly({ h, w }))
    let unfollow = () => undefined as unknown
    if (Config.Tty && process.stdout.isTTY) {
      // One that is a little larger first: a program that draws sees a change and draws anew.
      const [rows, columns] = consoleSize()
      await resize(rows + 1, columns + 1).catch(() => undefined)
      unfollow = followSize(resize)
    }
    try {
      const end = await converse({ stream, stdin, tty: Config.Tty, detachKeys: keys })
      if (end === 'detached') {
        process.stderr.write('\r\nread escape sequence\n')
        return 0
      }
      return await ending
    } finally {
      unproxy()
      unfollow()
    }
  },
)
