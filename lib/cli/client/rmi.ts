/** `drydock rmi`: names of images, and images with the last of their names. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { GoCommand, list } from '../flags.js'
import { verb } from './verb.js'

interface Flags {
  readonly force?: boolean
  readonly prune: boolean
  readonly platform: readonly string[]
}

type Removed = { readonly Untagged: string } | { readonly Deleted: string }

export const rmi = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Remove images.')
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<image...>', 'names or ids')
      .option('-f, --force', 'also what stopped containers use, or what has names in several repositories')
      .option('--no-prune', 'leave nameless images that it was made from')
      .addOption(list('--platform <os/architecture>', 'only what is for this machine')),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    const { force, prune, platform } = options
    if (platform.length > 0)
      throw new DrydockError('--platform: this client speaks an API of engines that remove images whole; leave it out', { status: 400 })
    let status = 0
    for (const word of args) {
      try {
        const removed = await engine.ask(engine.image(word).remove({ ...(force && { force: true }), ...(!prune && { noprune: true }) }))
        const lines = (removed as Removed[]).map((one) => ('Deleted' in one ? `Deleted: ${one.Deleted}\n` : `Untagged: ${one.Untagged}\n`))
        process.stdout.write(lines.join(''))
      } catch (error) {
        if (!(error instanceof DrydockError)) throw error
        process.stderr.write(`${sentenceOf(error)}\n`)
        // With --force it is no failure that there is nothing to remove.
        if (!(force && error.status === 404)) status = 1
      }
    }
    return status
  },
)
