/** `drydock export`: a container's files, all layers as one, in an archive. */
import { checkOutput, writeArchive } from '../archive.js'
import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { verb } from './verb.js'

export const exportContainer = verb<{ readonly output?: string }>(
  (path) =>
    new GoCommand(path)
      .description('Write a container’s files into an archive.')
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>', 'its name or its id')
      .option('-o, --output <file>', 'into this file; to standard output otherwise'),
  async ({ options: { output }, args, engine: open }) => {
    checkOutput(output, 'export container')
    const engine = await open()
    await interruptible(async (signal) => {
      const path = `/containers/${encodeURIComponent(args[0] as string)}/export`
      await writeArchive(await engine.stream({ method: 'GET', path, signal }), output, signal)
    })
    return 0
  },
)
