/** An image of a container's changes. */
import { commitContainer } from '../../image/commit.js'
import { checkContainerConfig } from '../../image/documents.js'
import { familiar, withDefaultTag } from '../../image/reference.js'
import { DrydockError } from '../../kernel/errors.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../context.js'
import { standing } from '../standing.js'
import type { CommitRequest } from '../types.js'
import { publishImage } from './events.js'
import { nameOfNew } from './repository.js'

export async function commit(context: EngineContext, request: CommitRequest): Promise<{ readonly Id: string }> {
  const { comment, author, pause, changes, config = {} } = request
  const handle = context.containers.find(request.container)
  checkAlive(handle)
  const stored = { record: handle.record, layout: handle.layout }
  checkContainerConfig(config)
  const reference = nameOfNew(request.repo, request.tag)
  const publish = (Action: string, more: Readonly<Record<string, string>> = {}) =>
    context.events.publish({ Type: 'container', Action, ID: handle.id, Attributes: { ...attributesOf(handle), ...more } })
  const warn = (sentence: string) => context.log('warn', `commit of container ${handle.name}: ${sentence}`)
  const make = async () => {
    const { id } = await commitContainer(stored, {
      store: context.store,
      ...(reference && { reference }),
      ...(author && { author }),
      ...(comment && { message: comment }),
      changes,
      config,
      newShim: () => context.newShim(),
      onWarning: warn,
    })
    if (reference) await publishImage(context, 'tag', id, { name: familiar(withDefaultTag(reference)) })
    publish('commit', { comment: comment ?? '', imageID: id, imageRef: reference ? familiar(withDefaultTag(reference)) : '' })
    return { Id: id }
  }
  if (!pause) return make()
  return standing({ pid: handle.pid, warn, onPause: () => publish('pause'), onUnpause: () => publish('unpause') }, make)
}

function checkAlive({ id, status }: ContainerHandle): void {
  if (status === 'removing') throw new DrydockError(`You cannot commit container ${id} which is being removed`, { status: 409 })
  if (status === 'dead') throw new DrydockError(`You cannot commit container ${id} which is Dead`, { status: 409 })
}
