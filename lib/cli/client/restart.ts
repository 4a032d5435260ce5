/** `drydock restart`: containers end and start again. */
import { GoCommand } from '../flags.js'
import { addStopFlags, type StopFlags, stopQuery } from './stop.js'
import { toEach, verb } from './verb.js'

export const restart = verb<StopFlags>(
  (path) =>
    addStopFlags(
      new GoCommand(path)
        .description('End containers, and start them again.')
        .usage('[OPTIONS] CONTAINER [CONTAINER...]')
        .argument('<container...>', 'names or ids'),
    ),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    return toEach(args, (word) => engine.ask(engine.container(word).restart(stopQuery(options))))
  },
)
