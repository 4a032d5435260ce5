/** `drydock push`: an image of the store to a registry. */
import { Command } from 'commander'
import { pushAll, push as pushImage } from '../image/push.js'
import { familiar, parseReference, withDefaultTag, withoutTag } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { DrydockError } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { type RegistryFlags, registryOptions, withRegistry } from './registries.js'
import { parseVerb } from './verb.js'

interface Options extends RegistryFlags {
  readonly allTags: boolean
  readonly quiet: boolean
}

export async function push(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock push')
    .description('Upload an image to a registry.')
    .argument('<name>')
    .usage('[OPTIONS] NAME[:TAG]')
    .option('-a, --all-tags', 'all images of the repository that have a tag', false)
    .option('-q, --quiet', 'say only what was pushed', false)
  for (const option of registryOptions()) command.addOption(option)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { allTags, quiet } = parsed.options
  const typed = parseReference(parsed.args[0] as string)
  if (typed.digest !== undefined) throw new DrydockError('cannot push a digest reference', { status: 400 })
  if (allTags && typed.tag !== undefined) throw new DrydockError("tag can't be used with --all-tags/-a", { status: 400 })
  const reference = allTags ? withoutTag(typed) : withDefaultTag(typed)
  if (typed.tag === undefined && !allTags && !quiet) process.stdout.write('Using default tag: latest\n')
  const root = dataRoot()
  const store = new Store(root)
  const request = { dataRoot: root, flags: parsed.options, ...(!quiet && { screen: process.stdout }) }
  await withRegistry(reference, request, async (registry, onProgress, signal) => {
    const options = { store, registry, onProgress, signal }
    if (allTags) await pushAll(reference, options)
    else await pushImage(reference, options)
  })
  if (quiet) process.stdout.write(`${familiar(reference)}\n`)
  return 0
}
