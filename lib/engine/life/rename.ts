/** A container gets another name: on disk, in the table, and in the name services of its networks. */
import { rmSync } from 'node:fs'
import { checkName } from '../../container/index.js'
import { takeName, writeDurably } from '../../container/state.js'
import { DrydockError } from '../../kernel/errors.js'
import { renameLease } from '../../network/index.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { Container } from './container.js'
import { renamed } from './create.js'

export function rename(core: Core, container: Container, to: string): Promise<void> {
  const name = to.replace(/^\//, '')
  if (name === '') throw new DrydockError('Neither old nor new names may be empty', { status: 400 })
  allocating(() => checkName(name))
  return container.exclusively(async () => {
    const before = container.name
    if (container.doomed) throw new DrydockError(`container ${before} is marked for removal`, { status: 409 })
    if (name === before) throw new DrydockError('Renaming a container with the same name as its current name', { status: 400 })
    const { layout } = container
    const record = renamed(container.record, name)
    const path = layout.name.slice(0, layout.name.lastIndexOf('/') + 1) + name
    allocating(() => takeName(core.dataRoot, { name: path }, container.id))
    try {
      writeDurably(layout.config, JSON.stringify(record))
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
    rmSync(layout.name, { force: true })
    container.became(record)
    core.containers.renamed(container, before)
    const { network } = record.spec
    for (const [on, { address }] of Object.entries(container.run?.endpoints ?? {})) {
      if (network.kind === 'networks') renameLease(core.dataRoot, on, address, container.id, name)
    }
    core.events.publish({
      Type: 'container',
      Action: 'rename',
      ID: container.id,
      Attributes: { ...attributesOf(container), oldName: `/${before}` },
    })
  })
}

/** As Docker tells that a name is none, or somebody's. */
function allocating(act: () => unknown): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    throw new DrydockError(`Error when allocating new name: ${error.message}`, {
      cause: error,
      ...(error.status && { status: error.status }),
    })
  }
}
