/** `drydock tag`: another name for an image. */
import { canonicalName, parseReference, withDefaultTag } from '../../image/reference.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { queryOnly } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const tag = verb(
  (path) =>
    new GoCommand(path)
      .description('Give an image another name.')
      .usage('SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]')
      .argument('<image>', 'a name or an id')
      .argument('<name>', 'the further name'),
  async ({ args, engine: open }) => {
    const [source = '', target = ''] = args
    const { tag: word, ...repository } = targetOf(target)
    const engine = await open()
    await engine.ask(engine.image(source).tag(queryOnly({ repo: canonicalName(repository), tag: word }) as { repo: string }))
    return 0
  },
)

function targetOf(target: string) {
  try {
    const reference = withDefaultTag(parseReference(target))
    if (reference.digest !== undefined) throw new DrydockError('refusing to create a tag with a digest reference', { status: 400 })
    return reference
  } catch (cause) {
    throw new DrydockError(`Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${sentenceOf(cause)}`, {
      cause,
      status: 400,
    })
  }
}
