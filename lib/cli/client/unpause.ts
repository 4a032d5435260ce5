/** `drydock unpause`: let containers go on. */
import { GoCommand } from '../flags.js'
import { toEach, verb } from './verb.js'

export const unpause = verb(
  (path) =>
    new GoCommand(path)
      .description('Let containers go on that were paused.')
      .usage('CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids'),
  async ({ args, engine: open }) => {
    const engine = await open()
    return toEach(args, (word) => engine.ask(engine.container(word).unpause()))
  },
)
