/** `drydock push`: the engine sends an image to a registry. */
import { canonicalName, familiar, parseReference, withDefaultTag, withoutTag } from '../../image/reference.js'
import { DrydockError } from '../../kernel/errors.js'
import { followProgress } from '../engine/progress.js'
import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { registryAuth } from './pulling.js'
import { verb } from './verb.js'

interface Flags {
  readonly allTags?: boolean
  readonly platform?: string
  readonly quiet?: boolean
}

export const push = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Upload an image to a registry.')
      .usage('[OPTIONS] NAME[:TAG]')
      .argument('<image>', 'its name')
      .option('-a, --all-tags', 'all images of the repository that have a tag')
      .option('--platform <os/architecture>', 'only what is for this machine')
      .option('-q, --quiet', 'say only what was pushed'),
  async ({ options: { allTags = false, quiet = false, platform }, args, engine: open }) => {
    const typed = parseReference(args[0] as string)
    if (typed.digest !== undefined) throw new DrydockError('cannot push a digest reference', { status: 400 })
    if (allTags && typed.tag !== undefined) throw new DrydockError("tag can't be used with --all-tags/-a", { status: 400 })
    if (platform !== undefined)
      throw new DrydockError('--platform: this client speaks an API of engines that push images whole; leave it out', { status: 400 })
    const reference = allTags ? withoutTag(typed) : withDefaultTag(typed)
    if (typed.tag === undefined && !allTags && !quiet) process.stdout.write('Using default tag: latest\n')
    const engine = await open()
    await interruptible(async (signal) => {
      const stream = await engine.stream({
        method: 'POST',
        path: `/images/${canonicalName(reference)}/push`,
        query: { ...(reference.tag !== undefined && { tag: reference.tag }) },
        headers: { 'X-Registry-Auth': await registryAuth(reference.domain) },
        signal,
      })
      await followProgress(stream, quiet ? undefined : process.stdout)
    })
    if (quiet) process.stdout.write(`${familiar(reference)}\n`)
    return 0
  },
)
