/** What image events tell: the image's labels and a name. */
import { familiar, familiarName, type Reference } from '../../image/reference.js'
import type { Digest } from '../../image/types.js'
import type { EngineContext } from '../context.js'

type Action = 'tag' | 'untag' | 'delete' | 'import' | 'load' | 'save'

/** Of an image that is here, by its id. `name`: the id by default. `labels`: those that it had, when it is gone by now. */
export async function publishImage(
  { events, store }: EngineContext,
  Action: Action,
  id: Digest,
  { name = id, labels }: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  events.publish({ Type: 'image', Action, ID: id, Attributes: { ...(labels ?? (await labelsOf(store, id))), name } })
}

/** Pull and push are of a name. */
export async function publishTransfer({ events, store }: EngineContext, Action: 'pull' | 'push', reference: Reference): Promise<void> {
  const id = store.tags.get(reference)?.id
  const labels = id === undefined ? {} : await labelsOf(store, id)
  events.publish({ Type: 'image', Action, ID: familiar(reference), Attributes: { ...labels, name: familiarName(reference) } })
}

/** None of an image that somebody has removed meanwhile. */
export async function labelsOf(store: EngineContext['store'], id: Digest): Promise<Readonly<Record<string, string>>> {
  const config = await store.config(id).catch(() => undefined)
  return config?.config?.Labels ?? {}
}
