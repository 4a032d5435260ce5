/** `drydock exec`: a further program in a running container. */
import { parseDetachKeys } from '../../engine/keys.js'
import { type Engine, queryOnly } from '../engine/client.js'
import { GoCommand, list } from '../flags.js'
import { checkVariable, readPairs } from './create/words.js'
import { checkTerminal, consoleSize, converse, followSize } from './streams.js'
import { verb } from './verb.js'

interface Flags {
  readonly detach?: boolean
  readonly detachKeys?: string
  readonly env: readonly string[]
  readonly envFile: readonly string[]
  readonly interactive?: boolean
  readonly privileged?: boolean
  readonly tty?: boolean
  readonly user?: string
  readonly workdir?: string
}

export const exec = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Run a program in a running container.')
      .usage('[OPTIONS] CONTAINER COMMAND [ARG...]')
      .argument('<container>', 'its name or its id')
      .argument('<command...>', 'the program and its arguments')
      .passThroughOptions()
      .option('-d, --detach', 'do not wait for it')
      .option('--detach-keys <keys>', 'what leaves it without ending it')
      .addOption(list('-e, --env <name=value>', 'a variable; NAME alone takes it from here', checkVariable))
      .addOption(list('--env-file <file>', 'variables, one a line'))
      .option('-i, --interactive', 'keep stdin open')
      .option('--privileged', 'all capabilities')
      .option('-t, --tty', 'give it a terminal')
      .option('-u, --user <user[:group]>', 'names or numbers, as the image has them')
      .option('-w, --workdir <path>', 'where it starts'),
  async ({ options, args, engine: open }) => {
    const keys = parseDetachKeys(options.detachKeys ?? 'ctrl-p,ctrl-q')
    const [word = '', ...command] = args
    const stdin = options.interactive === true && !options.detach
    const env = readPairs(options.envFile, options.env, (name) => process.env[name])
    const engine = await open()
    const { Id: container } = await engine.ask(engine.container(word).inspect())
    if (!options.detach) checkTerminal(stdin, options.tty === true)
    const size = options.tty ? consoleSize() : [0, 0]
    const { Id } = await engine.call<{ Id: string }>({
      method: 'POST',
      path: `/containers/${container}/exec`,
      body: {
        User: options.user ?? '',
        Privileged: options.privileged === true,
        Tty: options.tty === true,
        ...(size[0] !== 0 && { ConsoleSize: size }),
        AttachStdin: stdin,
        AttachStderr: !options.detach,
        AttachStdout: !options.detach,
        Detach: options.detach === true,
        DetachKeys: options.detachKeys ?? '',
        Env: env.length > 0 ? env : null,
        WorkingDir: options.workdir ?? '',
        Cmd: command,
      },
    })
    const start = {
      method: 'POST',
      path: `/exec/${Id}/start`,
      body: { Detach: options.detach === true, Tty: options.tty === true },
    } as const
    if (options.detach) {
      await engine.call(start)
      return 0
    }
    const stream = await engine.hijack({ ...start, body: { ...start.body, ...(size[0] !== 0 && { ConsoleSize: size }) } })
    const resize = (h: number, w: number) => engine.ask(engine.docker.getExec(Id).resize(queryOnly({ h, w })))
    const unfollow = options.tty && process.stdout.isTTY ? followSize(resize) : () => undefined
    const end = await converse({ stream, stdin, tty: options.tty === true, detachKeys: keys }).finally(unfollow)
    return end === 'detached' ? 0 : await statusOf(engine, Id)
  },
)

/** Of a program that has ended. Docker has 126 and 127 there when it could not be executed. */
async function statusOf(engine: Engine, id: string): Promise<number> {
  const { ExitCode } = await engine.ask(engine.docker.getExec(id).inspect())
  return ExitCode ?? 0
}
