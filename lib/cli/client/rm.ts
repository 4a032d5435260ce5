/** `drydock rm`: containers go. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

interface Flags {
  readonly force?: boolean
  readonly link?: boolean
  readonly volumes?: boolean
}

export const rm = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Remove containers.')
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids')
      .option('-f, --force', 'also those that run: they are killed')
      .option('-l, --link', 'remove the link, not the container')
      .option('-v, --volumes', 'with volumes that were made for it and have no name'),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    const { force, link, volumes } = options
    const query = { ...(force && { force: true }), ...(link && { link: true }), ...(volumes && { v: true }) }
    let status = 0
    const results = await Promise.allSettled(args.map((word) => engine.ask(engine.container(word.replace(/^\//, '')).remove(query))))
    for (const [at, result] of results.entries()) {
      if (result.status === 'fulfilled') process.stdout.write(`${args[at]}\n`)
      else {
        if (!(result.reason instanceof DrydockError)) throw result.reason
        process.stderr.write(`${sentenceOf(result.reason)}\n`)
        // With --force it is no failure that there is nothing to remove.
        if (!force || result.reason.status !== 404) status = 1
      }
    }
    return status
  },
)
