/** `drydock commit`: an image of a container's changes. */
import { canonicalName, parseReference, withDefaultTag } from '../../image/reference.js'
import { GoCommand, list } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { verb } from './verb.js'

interface Flags {
  readonly author?: string
  readonly change: readonly string[]
  readonly message?: string
  readonly pause: boolean
}

export const commit = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Make an image of a container’s changes.')
      .usage('[OPTIONS] CONTAINER [REPOSITORY[:TAG]]')
      .argument('<container>', 'its name or its id')
      .argument('[name]', 'of the image')
      .option('-a, --author <name>', 'who made it')
      .addOption(list('-c, --change <instruction>', 'an instruction of a Dockerfile, such as CMD ["sh"]'))
      .option('-m, --message <text>', 'what it is about')
      .option('-p, --pause', 'let the container stand still meanwhile; --pause=false: do not', true),
  async ({ options, args, engine: open }) => {
    const [container = '', name] = args
    const { author, change, message, pause } = options
    const reference = name === undefined ? undefined : withDefaultTag(parseReference(name))
    const engine = await open()
    const { Id } = await interruptible((signal) =>
      engine.call<{ Id: string }>({
        method: 'POST',
        path: '/commit',
        query: {
          container,
          ...(reference && { repo: canonicalName(reference), tag: reference.tag }),
          ...(author !== undefined && { author }),
          ...(change.length > 0 && { changes: change }),
          ...(message !== undefined && { comment: message }),
          ...(!pause && { pause: 0 }),
        },
        signal,
      }),
    )
    process.stdout.write(`${Id}\n`)
    return 0
  },
)
