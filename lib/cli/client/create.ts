/** `drydock create`: a container that is made and not started. */
import { GoCommand } from '../flags.js'
import { addCreateFlags, createBody, type MakingFlags, makeContainer } from './create/index.js'
import { checkPull } from './create/make.js'
import { consoleSize } from './streams.js'
import { verb } from './verb.js'

export const create = verb<MakingFlags>(
  (path) =>
    addCreateFlags(
      new GoCommand(path)
        .description('Make a container, and leave it.')
        .usage('[OPTIONS] IMAGE [COMMAND] [ARG...]')
        .argument('<image>', 'an image')
        .argument('[command...]', 'the program and its arguments')
        .passThroughOptions(),
    ),
  async ({ options, args, engine }) => {
    checkPull(options)
    const [image = '', ...command] = args
    const asked = await engine()
    const about = { atLeast: (version: string) => asked.atLeast(version), console: consoleSize(), environment: process.env }
    const { id } = await makeContainer(asked, createBody(options, image, command, about), options)
    process.stdout.write(`${id}\n`)
    return 0
  },
)
