/** `drydock pull`: the engine fetches an image from a registry. */
import { canonical, parseReference, withDefaultTag, withoutTag } from '../../image/reference.js'
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { pullImage } from './pulling.js'
import { verb } from './verb.js'

interface Flags {
  readonly allTags?: boolean
  readonly platform?: string
  readonly quiet?: boolean
}

export const pull = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Download an image from a registry.')
      .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
      .argument('<name>', 'of the image')
      .option('-a, --all-tags', 'all images of the repository that have a tag')
      .option('--platform <os/architecture>', 'for another machine than the engine’s, such as linux/arm64')
      .option('-q, --quiet', 'say only what was pulled'),
  async ({ options: { allTags = false, platform, quiet }, args, engine: open }) => {
    const typed = parseReference(args[0] as string)
    const said = typed.tag !== undefined || typed.digest !== undefined
    if (allTags && said) throw new DrydockError("tag can't be used with --all-tags/-a", { status: 400 })
    const reference = allTags ? withoutTag(typed) : withDefaultTag(typed)
    if (!said && !allTags && !quiet) process.stdout.write('Using default tag: latest\n')
    const engine = await open()
    await pullImage(engine, canonical(reference), {
      all: allTags,
      ...(platform !== undefined && { platform }),
      ...(!quiet && { screen: process.stdout }),
    })
    process.stdout.write(`${canonical(reference)}\n`)
    return 0
  },
)
