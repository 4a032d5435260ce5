/** `docker tag`: one more name for an image. */
import { DrydockError } from '../kernel/errors.js'
import { parseReference, withDefaultTag } from './reference.js'
import { lookUp } from './store/find.js'
import type { Store } from './store/index.js'

export async function tagImage(store: Store, word: string, name: string): Promise<void> {
  const reference = withDefaultTag(parseReference(name))
  if (reference.digest !== undefined) throw new DrydockError('refusing to create a tag with a digest reference', { status: 400 })
  // No one takes the image away between the two.
  await store.changing(() => store.tags.set(reference, lookUp(store, word).id))
}
