/** `drydock network rm`. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const removeNetworks = verb<{ readonly force?: boolean }>(
  (path) =>
    new GoCommand(path)
      .description('Remove networks.')
      .usage('NETWORK [NETWORK...]')
      .argument('<network...>', 'names or ids')
      .option('-f, --force', 'it is no failure that one is not there'),
  async ({ options: { force }, args, engine: open }) => {
    const engine = await open()
    let status = 0
    for (const word of args) {
      try {
        await engine.ask(engine.network(word).remove())
        process.stdout.write(`${word}\n`)
      } catch (error) {
        if (!(error instanceof DrydockError)) throw error
        if (force && error.status === 404) continue
        process.stderr.write(`${sentenceOf(error)}\n`)
        status = 1
      }
    }
    // Docker's own words for it are those of a shell.
    if (status !== 0) process.stderr.write('exit status 1\n')
    return status
  },
)
