/** What the engine tells of one container. */

import type { Core } from '../core.js'
import { containerDocument } from '../documents/index.js'
import { healthDocument } from '../health/state.js'
import type { Document } from '../types.js'
import type { Container } from './container.js'
import { networksLeft } from './endpoints.js'
import { toldLinks } from './links.js'
import { sizesOf } from './sizes.js'

export async function inspect(core: Core, container: Container, { size = false }: { readonly size?: boolean } = {}): Promise<Document> {
  const { record, layout, exit, run, status, execs, notes, ending, startedAt, health } = container
  const sizes = size ? await sizesOf(core, container) : undefined
  const links = toldLinks(core, container)
  const document = containerDocument({
    container: { record, layout, ...(exit && { exit }) },
    ...(run && { pid: run.line.pid }),
    endpoints: run?.endpoints ?? {},
    ...(sizes && { size: sizes }),
    ...(links && { links }),
    life: {
      status,
      startedAt,
      ...(notes.finishedAt !== undefined && { finishedAt: notes.finishedAt }),
      restartCount: notes.restartCount,
      execs: [...execs],
      ...(health && { health: healthDocument(health) }),
      ...ending,
    },
  })
  const { NetworkSettings } = document as { NetworkSettings: { Networks: Record<string, { NetworkID: string }> } }
  return { ...document, NetworkSettings: { ...NetworkSettings, Networks: networksLeft(core)(container, NetworkSettings.Networks) } }
}
