/** `drydock wait`: until containers have ended, and how. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const wait = verb(
  (path) =>
    new GoCommand(path)
      .description('Wait until containers have ended, and print their exit statuses.')
      .usage('CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids'),
  async ({ args, engine: open }) => {
    const engine = await open()
    let status = 0
    for (const word of args) {
      try {
        const { StatusCode } = await engine.ask(engine.container(word).wait())
        process.stdout.write(`${StatusCode}\n`)
      } catch (error) {
        if (!(error instanceof DrydockError)) throw error
        process.stderr.write(`${sentenceOf(error)}\n`)
        status = 1
      }
    }
    return status
  },
)
