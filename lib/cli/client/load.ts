/** `drydock load`: the images of an archive. */
import { openArchive } from '../archive.js'
import { followProgress } from '../engine/progress.js'
import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { verb } from './verb.js'

interface Flags {
  readonly input?: string
  readonly quiet?: boolean
}

export const load = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Read images from an archive.')
      .usage('[OPTIONS]')
      .option('-i, --input <file>', 'this file; standard input otherwise')
      .option('-q, --quiet', 'do not show how it is read'),
  async ({ options: { input, quiet }, engine: open }) => {
    const body = await openArchive(input, 'load')
    const engine = await open()
    await interruptible(async (signal) => {
      const query = { quiet: quiet || !process.stdout.isTTY ? 1 : 0 }
      const stream = await engine.stream({ method: 'POST', path: '/images/load', query, body, headers: TAR, signal })
      await followProgress(stream, process.stdout)
    })
    return 0
  },
)

const TAR = { 'Content-Type': 'application/x-tar' }
