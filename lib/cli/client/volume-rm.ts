/** `drydock volume rm`. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const removeVolumes = verb<{ readonly force?: boolean }>(
  (path) =>
    new GoCommand(path)
      .description('Remove volumes that no container uses.')
      .usage('[OPTIONS] VOLUME [VOLUME...]')
      .argument('<volume...>', 'names')
      .option('-f, --force', 'it is no failure that one is not there'),
  async ({ options: { force }, args, engine: open }) => {
    const engine = await open()
    let status = 0
    for (const name of args) {
      try {
        // dockerode forgets the query of this one.
        await engine.call({ method: 'DELETE', path: `/volumes/${encodeURIComponent(name)}`, query: force ? { force: 1 } : {} })
        process.stdout.write(`${name}\n`)
      } catch (error) {
        if (!(error instanceof DrydockError)) throw error
        if (force && error.status === 404) {
          process.stdout.write(`${name}\n`)
          continue
        }
        process.stderr.write(`${sentenceOf(error)}\n`)
        status = 1
      }
    }
    return status
  },
)
