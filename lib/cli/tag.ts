/** `drydock tag`: another name for an image. */
import { Command } from 'commander'
import { parseReference } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { tagImage } from '../image/tag.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { parseVerb } from './verb.js'

export async function tag(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock tag')
    .description('Give an image another name.')
    .argument('<source>')
    .argument('<target>')
    .usage('SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]')
  const parsed = parseVerb(command, argv)
  if ('status' in parsed) return parsed.status
  const [source = '', target = ''] = parsed.args
  try {
    parseReference(target)
  } catch (cause) {
    throw new DrydockError(`Error parsing reference: "${target}" is not a valid repository/tag: ${sentenceOf(cause)}`, {
      cause,
      status: 400,
    })
  }
  await tagImage(new Store(dataRoot()), source, target)
  return 0
}
