/** `drydock pause`: let containers stand still. */
import { GoCommand } from '../flags.js'
import { toEach, verb } from './verb.js'

export const pause = verb(
  (path) =>
    new GoCommand(path)
      .description('Let containers stand still: their processes get no time.')
      .usage('CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids'),
  async ({ args, engine: open }) => {
    const engine = await open()
    return toEach(args, (word) => engine.ask(engine.container(word).pause()))
  },
)
