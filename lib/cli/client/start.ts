/** `drydock start`: containers that were made, or have ended. */
import { parseDetachKeys } from '../../engine/keys.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { type Engine, queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { startStatus } from './run.js'
import { passSignals } from './signals.js'
import { checkTerminal, converse, followSize } from './streams.js'
import { verb } from './verb.js'
import { awaitEnd } from './waiting.js'

interface Flags {
  readonly attach?: boolean
  readonly interactive?: boolean
  readonly detachKeys?: string
}

export const start = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Start containers that were made, or have ended.')
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids')
      .option('-a, --attach', 'pass its output and signals on')
      .option('-i, --interactive', 'pass input on')
      .option('--detach-keys <keys>', 'what leaves it without ending it'),
  async ({ options, args, engine }) => {
    if (!options.attach && !options.interactive) return startAll(await engine(), args)
    if (args.length > 1) throw new DrydockError('you cannot start and attach multiple containers at once', { status: 400 })
    return startAttached(await engine(), args[0] as string, options)
  },
)

async function startAll(engine: Engine, words: readonly string[]): Promise<number> {
  const failed: string[] = []
  for (const word of words) {
    try {
      await engine.ask(engine.container(word).start())
      process.stdout.write(`${word}\n`)
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      process.stderr.write(`${sentenceOf(error)}\n`)
      failed.push(word)
    }
  }
  if (failed.length > 0) throw new DrydockError(`Error: failed to start containers: ${failed.join(', ')}`)
  return 0
}

async function startAttached(engine: Engine, word: string, { interactive = false, detachKeys }: Flags): Promise<number> {
  const keys = parseDetachKeys(detachKeys ?? 'ctrl-p,ctrl-q')
  const { Id, Config, HostConfig } = await engine.ask(engine.container(word).inspect())
  const stdin = interactive && Config.OpenStdin
  checkTerminal(stdin, Config.Tty)
  const stream = await engine.hijack({
    method: 'POST',
    path: `/containers/${Id}/attach`,
    query: { stream: 1, stdout: 1, stderr: 1, ...(stdin && { stdin: 1 }), ...(detachKeys !== undefined && { detachKeys }) },
  })
  const talk = converse({ stream, stdin, tty: Config.Tty, detachKeys: keys })
  talk.catch(() => undefined)
  const unproxy = Config.Tty ? () => undefined : passSignals(engine, Id)
  try {
    const { ending } = await awaitEnd(engine, Id, HostConfig.AutoRemove ? 'removed' : 'next-exit')
    try {
      await engine.ask(engine.container(Id).start(queryOnly({ detachKeys })))
    } catch (error) {
      stream.destroy()
      throw error instanceof DrydockError
        ? Object.assign(error, { exitCode: startStatus(error.message) === 125 ? 1 : startStatus(error.message) })
        : error
    }
    const unfollow =
      Config.Tty && process.stdout.isTTY ? followSize((h, w) => engine.container(Id).resize(queryOnly({ h, w }))) : () => undefined
    const end = await talk.finally(unfollow)
    return end === 'detached' ? 0 : await ending
  } finally {
    unproxy()
  }
}
