/** `drydock pull`: an image from a registry into the store. */
import { Command } from 'commander'
import { parsePlatform } from '../image/platform.js'
import { canonical, parseReference, withDefaultTag, withoutTag } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { DrydockError } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { pullImages, type RegistryFlags, registryOptions } from './registries.js'
import { parseVerb } from './verb.js'

interface Options extends RegistryFlags {
  readonly allTags: boolean
  readonly quiet: boolean
  readonly platform?: string
}

export async function pull(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock pull')
    .description('Download an image from a registry.')
    .argument('<name>')
    .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
    .option('-a, --all-tags', 'all images of the repository that have a tag', false)
    .option('-q, --quiet', 'say only what was pulled', false)
    .option('--platform <os/architecture>', 'for another machine than this, such as linux/arm64')
  for (const option of registryOptions()) command.addOption(option)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { allTags, quiet, platform } = parsed.options
  const typed = parseReference(parsed.args[0] as string)
  const said = typed.tag !== undefined || typed.digest !== undefined
  if (allTags && said) throw new DrydockError("tag can't be used with --all-tags/-a", { status: 400 })
  const reference = allTags ? withoutTag(typed) : withDefaultTag(typed)
  if (!said && !allTags && !quiet) process.stdout.write('Using default tag: latest\n')
  const root = dataRoot()
  await pullImages(reference, {
    store: new Store(root),
    dataRoot: root,
    flags: parsed.options,
    all: allTags,
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    ...(!quiet && { screen: process.stdout }),
  })
  process.stdout.write(`${canonical(reference)}\n`)
  return 0
}
