/** `drydock rename`: another name for a container. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const rename = verb(
  (path) =>
    new GoCommand(path)
      .description('Give a container another name.')
      .usage('CONTAINER NEW_NAME')
      .argument('<container>', 'its name or its id')
      .argument('<name>', 'the new name'),
  async ({ args, engine: open }) => {
    const [word = '', name = ''] = args.map((arg) => arg.trim())
    if (word === '' || name === '') throw new DrydockError('Error: Neither old nor new names may be empty', { status: 400 })
    const engine = await open()
    try {
      await engine.ask(engine.container(word).rename(queryOnly({ name })))
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      throw new DrydockError(`${sentenceOf(error)}\nError: failed to rename container named ${word}`, { cause: error })
    }
    return 0
  },
)
