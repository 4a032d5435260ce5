/** `drydock save`: images into one archive. */
import { checkOutput, writeArchive } from '../archive.js'
import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { verb } from './verb.js'

export const save = verb<{ readonly output?: string }>(
  (path) =>
    new GoCommand(path)
      .description('Write images into an archive.')
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<image...>', 'names or ids; a name without a tag is all of the repository')
      .option('-o, --output <file>', 'into this file; to standard output otherwise'),
  async ({ options: { output }, args, engine: open }) => {
    checkOutput(output, 'save image')
    const engine = await open()
    await interruptible(async (signal) =>
      writeArchive(await engine.stream({ method: 'GET', path: '/images/get', query: { names: args }, signal }), output, signal),
    )
    return 0
  },
)
