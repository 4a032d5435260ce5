/** `drydock save`: images into one archive, which docker, skopeo and others read too. */
import { Command } from 'commander'
import { saveImages } from '../image/save.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { checkOutput, writeArchive } from './archive.js'
import { interruptible } from './interrupt.js'
import { parseVerb } from './verb.js'

export async function save(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock save')
    .description('Write images into an archive.')
    .argument('<image...>', 'names or ids; a name without a tag is all of the repository')
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .option('-o, --output <file>', 'into this file; to standard output otherwise')
  const parsed = parseVerb<{ output?: string }>(command, argv)
  if ('status' in parsed) return parsed.status
  const { output } = parsed.options
  checkOutput(output, 'save image')
  await interruptible(async (signal) => writeArchive(await saveImages(new Store(dataRoot()), parsed.args, { signal }), output, signal))
  return 0
}
