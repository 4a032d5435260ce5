/** `drydock top`: the processes of a container. */
import { GoCommand } from '../flags.js'
import { align } from '../table.js'
import { verb } from './verb.js'

/** Docker's columns are this wide here. */
const WIDTH = 20

export const top = verb(
  (path) =>
    new GoCommand(path)
      .description('Show the processes of a container.')
      .usage('CONTAINER [ps OPTIONS]')
      .argument('<container>', 'its name or its id')
      .argument('[options...]', 'for ps(1)')
      .passThroughOptions(),
  async ({ args, engine: open }) => {
    const [word = '', ...options] = args
    const engine = await open()
    const query = options.length > 0 ? { ps_args: options.join(' ') } : {}
    const { Titles, Processes } = (await engine.ask(engine.container(word).top(query))) as {
      Titles: string[]
      Processes: string[][] | null
    }
    const lines = [Titles, ...(Processes ?? [])].map((cells) => `${cells.join('\t')}\n`)
    process.stdout.write(align(lines.join(''), WIDTH))
    return 0
  },
)
