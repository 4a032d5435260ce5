/** `drydock kill`: a signal for containers. */
import { queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { toEach, verb } from './verb.js'

export const kill = verb<{ readonly signal?: string }>(
  (path) =>
    new GoCommand(path)
      .description('Send containers a signal.')
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<container...>', 'names or ids')
      .option('-s, --signal <signal>', 'by name or number; KILL otherwise'),
  async ({ options: { signal }, args, engine: open }) => {
    const engine = await open()
    return toEach(args, (word) => engine.ask(engine.container(word).kill(queryOnly({ signal }))))
  },
)
