/** `drydock import`: an image of one layer, out of an archive of a root file system. */
import { canonicalName, parseReference, withDefaultTag } from '../../image/reference.js'
import { openArchive } from '../archive.js'
import { followProgress } from '../engine/progress.js'
import { GoCommand, list } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { verb } from './verb.js'

interface Flags {
  readonly change: readonly string[]
  readonly message?: string
  readonly platform?: string
}

export const importImage = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Make an image of an archive that holds a root file system.')
      .usage('[OPTIONS] file|URL|- [REPOSITORY[:TAG]]')
      .argument('<source>', 'a file, an address (http://…), or - for standard input')
      .argument('[name]', 'of the image')
      .addOption(list('-c, --change <instruction>', 'an instruction of a Dockerfile, such as CMD ["sh"]'))
      .option('-m, --message <text>', 'what it is about')
      .option('--platform <os/architecture>', 'for which machine it is'),
  async ({ options, args, engine: open }) => {
    const [source = '', name] = args
    const { change, message, platform } = options
    const reference = name === undefined ? undefined : withDefaultTag(parseReference(name))
    // An address is fetched by the engine; a file is only here.
    const remote = /^(https?|ftp):\/\//.test(source)
    const body = remote ? undefined : await openArchive(source === '-' ? undefined : source, 'import')
    const engine = await open()
    await interruptible(async (signal) => {
      const stream = await engine.stream({
        method: 'POST',
        path: '/images/create',
        query: {
          fromSrc: remote ? source : '-',
          ...(reference && { repo: canonicalName(reference), tag: reference.tag }),
          ...(message !== undefined && { message }),
          ...(change.length > 0 && { changes: change }),
          ...(platform && { platform }),
        },
        ...(body && { body, headers: { 'Content-Type': 'text/plain' } }),
        signal,
      })
      await followProgress(stream, process.stdout)
    })
    return 0
  },
)
