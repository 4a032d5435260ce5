/** What a container has changed of its image's files, and all its files as one archive: docker diff, docker export. */
import type { Readable } from 'node:stream'
import { changes as changesOf, packTree, withoutMountPoints } from '../../image/pack/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { attributesOf, type EngineContext } from '../context.js'
import type { ContainersNoun } from '../types.js'
import { Pulled } from './pulled.js'

const KINDS = { C: 0, A: 1, D: 2 } as const

export async function changes(context: EngineContext, word: string): ReturnType<ContainersNoun['changes']> {
  const { layout, record } = context.containers.find(word)
  const found = await changesOf(layout.upper, record.spec.image.layers, { newShim: () => context.newShim() })
  const shown = withoutMountPoints(found).map(({ path, kind }) => ({ Path: path, Kind: KINDS[kind] }))
  return shown.length > 0 ? shown : null
}

export async function exportTree(context: EngineContext, word: string): Promise<Readable> {
  const container = context.containers.find(word)
  const { id, status, layout, record } = container
  if (status === 'dead') throw new DrydockError(`You cannot export container ${id} which is Dead`, { status: 409 })
  if (status === 'removing') throw new DrydockError(`You cannot export container ${id} which is being removed`, { status: 409 })
  const onWarning = (sentence: string) => context.log('warn', `export of ${container.name}: ${sentence}`)
  const stream = new Pulled((signal) =>
    packTree([layout.upper, ...record.spec.image.layers], { newShim: () => context.newShim(), signal, onWarning }),
  )
  context.events.publish({ Type: 'container', Action: 'export', ID: id, Attributes: attributesOf(container) })
  return stream
}
