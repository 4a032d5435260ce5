/** Limits and the restart policy of a container that exists. Engine API 1.47, ContainerUpdate. */
import { cgroupPath } from '../../container/index.js'
import { writeDurably } from '../../container/state.js'
import { DrydockError } from '../../kernel/errors.js'
import { cgroupAt, update as updateCgroup } from '../../primitives/cgroups/index.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { HostBody } from '../request/bodies.js'
import { restartOf } from '../request/index.js'
import { readMembers, saysNothing } from '../request/members.js'
import { limitsOf } from '../request/resources.js'
import { UPDATE } from '../request/tables.js'
import type { Document } from '../types.js'
import type { Container } from './container.js'
import { remember } from './notes.js'

/** What says nothing stays as it is. */
export function update(core: Core, container: Container, body: Document): Promise<{ readonly Warnings: readonly string[] | null }> {
  const asked = readMembers(body, UPDATE) as HostBody
  const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => !saysNothing(value))) as HostBody
  return container.exclusively(async () => {
    const { record, run } = container
    const { spec, more } = record
    if (container.doomed) throw new DrydockError(`Container is marked for removal and cannot be "update".`, { status: 409 })
    if (!more) throw new DrydockError(`container ${container.name} was made without the engine and cannot be updated`, { status: 409 })
    const { RestartPolicy, ...changes } = said
    const restart = RestartPolicy ? restartOf({ RestartPolicy }) : more.restart
    const policy = { Name: restart.policy, MaximumRetryCount: restart.most }
    const hostConfig = { ...more.hostConfig, ...changes, ...(RestartPolicy && { RestartPolicy: policy }) }
    if (RestartPolicy && more.autoRemove)
      throw new DrydockError(
        `Cannot update container ${container.id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
        { status: 409 },
      )
    const before = asBody(more.hostConfig as HostBody)
    const limits = limitsOf({ ...before, ...dropped(changes), ...changes })
    const warnings =
      run && Object.keys(changes).length > 0
        ? updateCgroup(cgroupAt(cgroupPath(spec), core.machine.cgroups), limitsOf(changesOnly(changes, before)), core.machine.cgroups)
        : []
    const next = { ...record, spec: { ...spec, limits }, more: { ...more, hostConfig, restart } }
    writeDurably(container.layout.config, JSON.stringify(next))
    container.became(next)
    // Whether somebody has stopped it matters from now on.
    if (RestartPolicy) remember(core, container)
    core.events.publish({ Type: 'container', Action: 'update', ID: container.id, Attributes: attributesOf(container) })
    return { Warnings: warnings.length > 0 ? warnings : null }
  })
}

/** Limits are checked with those that they go with. */
function changesOnly(changes: HostBody, before: HostBody): HostBody {
  const { Memory, MemorySwap } = changes
  if (MemorySwap && !Memory && before.Memory) return { ...changes, Memory: before.Memory }
  if (Memory && !MemorySwap && before.MemorySwap) return { ...changes, MemorySwap: before.MemorySwap }
  return changes
}

/** What of a whole HostConfig says something. */
const asBody = (host: HostBody): HostBody => Object.fromEntries(Object.entries(host).filter(([, value]) => !saysNothing(value))) as HostBody

/** Processors' worth of time is said in one way at a time. */
function dropped(changes: HostBody): HostBody {
  if (changes.NanoCpus) return { CpuPeriod: 0, CpuQuota: 0 }
  if (changes.CpuPeriod || changes.CpuQuota) return { NanoCpus: 0 }
  return {}
}
