/**
 * `drydock run`: a container, made and started, in the foreground or behind.
 *
 *     create → attach (101) → wait (its headers) → start → resize
 *
 * Attach comes before start, so that not a byte of output is lost; wait comes before start too, so that no end is missed, however soon it comes.
 */
import { parseDetachKeys } from '../../engine/keys.js'
import { DrydockError } from '../../kernel/errors.js'
import { type Engine, queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { addCreateFlags, type CreateBody, createBody, type MakingFlags, makeContainer } from './create/index.js'
import { checkPull } from './create/make.js'
import { passSignals } from './signals.js'
import { checkTerminal, consoleSize, converse, type End, followSize } from './streams.js'
import { type Call, PlainError, verb } from './verb.js'
import { awaitEnd } from './waiting.js'

interface RunFlags extends MakingFlags {
  readonly detach?: boolean
  readonly detachKeys?: string
  readonly sigProxy: boolean
  readonly rootfs?: boolean
  readonly explain?: boolean
  readonly step?: boolean
  readonly record?: boolean
  readonly trace?: boolean
}

export const run = verb<RunFlags>(
  (path) =>
    addCreateFlags(
      new GoCommand(path)
        .description('Make a container and run a program in it.')
        .usage('[OPTIONS] IMAGE [COMMAND] [ARG...]')
        .argument('<image>', 'an image')
        .argument('[command...]', 'the program and its arguments')
        .passThroughOptions()
        .option('-d, --detach', 'leave it running, print its id')
        .option('--detach-keys <keys>', 'what leaves it without ending it')
        .option('--sig-proxy', 'pass signals on; --sig-proxy=false: do not', true)
        .option('--rootfs', 'IMAGE is a directory that has a root file system; asks no engine')
        .option('--explain', 'print the list of system calls, and make none; asks no engine')
        .option('--step', 'make them one at a time, with the tutor; asks no engine')
        .option('--record', 'with --step: keep a record for the workshop’s page where nobody is asked, too')
        .option('--trace', 'print each with its result and its time; asks no engine'),
    ),
  async (call) => {
    const { rootfs, explain, step, trace, record } = call.options
    // What shows the calls makes them itself.
    if (rootfs || explain || step || trace || record) return (await import('../run.js')).run(call.argv)
    return runAsked(call)
  },
  { status: 125, prefixed: true },
)

async function runAsked({ options, args, engine: open }: Call<RunFlags>): Promise<number> {
  checkPull(options)
  const detachKeys = parseDetachKeys(options.detachKeys ?? 'ctrl-p,ctrl-q')
  const [image = '', ...command] = args
  if (options.detach && options.attach.length > 0) throw new PlainError('conflicting options: cannot specify both --attach and --detach')
  const engine = await open()
  const about = { atLeast: (version: string) => engine.atLeast(version), console: consoleSize(), environment: process.env }
  const whole = createBody(options, image, command, about)
  const body: CreateBody = options.detach
    ? { ...whole, AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false }
    : whole
  if (!options.detach) checkTerminal(body.AttachStdin, body.Tty)
  const { id } = await makeContainer(engine, body, options)
  const unproxy = options.sigProxy && !options.detach ? passSignals(engine, id) : () => undefined
  try {
    return options.detach ? await behind(engine, id) : await inFront(engine, id, body, { ...options, keys: detachKeys })
  } finally {
    unproxy()
  }
}

async function behind(engine: Engine, id: string): Promise<number> {
  await started(engine, id)
  process.stdout.write(`${id}\n`)
  return 0
}

async function inFront(engine: Engine, id: string, body: CreateBody, flags: RunFlags & { keys: Uint8Array }): Promise<number> {
  const { AttachStdin, AttachStdout, AttachStderr, Tty, OpenStdin } = body
  const attaches = AttachStdin || AttachStdout || AttachStderr
  const stdin = OpenStdin && AttachStdin
  const connection = attaches
    ? await engine.hijack({
        method: 'POST',
        path: `/containers/${id}/attach`,
        query: {
          stream: 1,
          ...(stdin && { stdin: 1 }),
          ...(AttachStdout && { stdout: 1 }),
          ...(AttachStderr && { stderr: 1 }),
          ...(flags.detachKeys !== undefined && { detachKeys: flags.detachKeys }),
        },
      })
    : undefined
  const talk =
    connection && converse({ stream: connection, stdin, tty: Tty, detachKeys: flags.keys, stdout: AttachStdout, stderr: AttachStderr })
  talk?.catch(() => undefined)
  const { ending } = await awaitEnd(engine, id, flags.rm ? 'removed' : 'next-exit')
  try {
    await started(engine, id, flags.detachKeys)
  } catch (error) {
    // The engine removes it, if that was asked for, and closes the stream.
    connection?.destroy()
    if (flags.rm) await ending.catch(() => undefined)
    throw error
  }
  const unfollow = Tty && process.stdout.isTTY ? followSize((h, w) => engine.container(id).resize(queryOnly({ h, w }))) : () => undefined
  try {
    const end: End = talk ? await talk : 'ended'
    // Without any stream there is nothing to wait for, as docker sees it; its status is told all the same.
    return end === 'detached' ? 0 : await ending
  } finally {
    unfollow()
  }
}

/** What a start fails by decides what a shell sees: 127 no such program, 126 none that can be executed, 125 anything else. */
async function started(engine: Engine, id: string, detachKeys?: string): Promise<void> {
  try {
    await engine.ask(engine.container(id).start(queryOnly({ detachKeys })))
  } catch (error) {
    throw error instanceof DrydockError ? Object.assign(error, { exitCode: startStatus(error.message) }) : error
  }
}

export function startStatus(sentence: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(sentence)) return 127
  return /permission denied|is a directory/.test(sentence) ? 126 : 125
}
