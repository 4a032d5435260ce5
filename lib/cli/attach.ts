/** `drydock attach`: back to a container that runs. */
import { Command } from 'commander'
import { findContainer, readContainer } from '../container/index.js'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../engine/keys.js'
import { Attachment } from '../kernel/attachment.js'
import { DrydockError } from '../kernel/errors.js'
import type { Exit } from '../kernel/frames.js'
import { dataRoot } from '../kernel/places.js'
import { Foreground } from './foreground.js'
import { parseVerb } from './verb.js'

/** Exit status: the container's, when it ends while one is attached; 0 after the detach keys. */
export async function attach(argv: readonly string[]): Promise<number> {
  const parsed = parse(argv)
  if ('status' in parsed) return parsed.status
  const root = dataRoot()
  const { record, layout } = findContainer(root, parsed.container)
  const { terminal, stdin } = record.spec
  const attachment = await Attachment.open(layout.socket, { terminal: terminal !== undefined, stdin: stdin && parsed.stdin }).catch(
    (cause) => {
      throw new DrydockError(`You cannot attach to a stopped container, start it first: ${parsed.container} does not run`, { cause })
    },
  )
  const foreground = new Foreground(attachment, {
    spec: { ...(terminal && { terminal }), stdin: stdin && parsed.stdin },
    detachKeys: parsed.detachKeys,
    signalProxy: parsed.sigProxy,
    broken: async () => attachment.close(),
    redraw: true,
  })
  const end = await foreground.attend(exitOf(attachment, () => readContainer(root, record.spec.id)?.exit?.exitCode))
  attachment.close()
  if ('detached' in end) process.stderr.write('\r\nread escape sequence\n')
  return 'detached' in end ? 0 : end.exit.code
}

/** All output, then how it ended. */
function exitOf(attachment: Attachment, written: () => number | undefined): Promise<Exit> {
  const exit = new Promise<Exit>((resolve) => attachment.once('exit', resolve))
  const ended = new Promise<void>((resolve) => attachment.once('end', resolve))
  return ended.then(async () => {
    const unknown = {
      code: written() ?? 1,
      signal: 0,
      nanoseconds: 0,
      maxRssKiB: 0,
      userMicroseconds: 0,
      systemMicroseconds: 0,
      oomKilled: false,
    }
    // The shim says EXIT right behind the last output; one that was killed says nothing.
    return Promise.race([exit, new Promise<Exit>((resolve) => setTimeout(() => resolve(unknown), 1000).unref())])
  })
}

interface Options {
  readonly stdin: boolean
  readonly sigProxy: boolean
  readonly detachKeys: string
}

function parse(argv: readonly string[]) {
  const command = new Command('drydock attach')
    .description('Go back to a running container: its output comes here, and what is typed goes there.')
    .argument('<container>', 'its name or its id')
    .option('--no-stdin', 'do not pass input on')
    .option('--no-sig-proxy', 'do not pass signals on')
    .option('--detach-keys <keys>', 'what leaves it without ending it', DEFAULT_DETACH_KEYS)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed
  const { options, args } = parsed
  return { ...options, container: args[0] as string, detachKeys: parseDetachKeys(options.detachKeys) }
}
