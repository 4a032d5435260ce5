/** Limits and the restart policy of a container that exists. Engine API 1.47, ContainerUpdate. */
import { cgroupPath } from '../../container/index.js'
import { writeDurably } from '../../container/state.js'
import { DrydockError } from '../../kernel/errors.js'
import { cgroupAt, notEnforced, update as updateCgroup } from '../../primitives/cgroups/index.js'
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
  const said = asBody(asked)
  // Here 0 says something: as every number below it, that there is no limit.
  const unlimited = typeof asked.PidsLimit === 'number' && asked.PidsLimit <= 0
  return container.exclusively(async () => {
    const { record, run } = container
    const { spec, more } = record
    if (container.doomed) throw new DrydockError(`Container is marked for removal and cannot be "update".`, { status: 409 })
    if (!more) throw new DrydockError(`container ${container.name} was made without the engine and cannot be updated`, { status: 409 })
    const { RestartPolicy, ...others } = said
    const changes = { ...others, ...(unlimited && { PidsLimit: -1 }) }
    const restart = RestartPolicy ? restartOf({ RestartPolicy }) : more.restart
    const policy = { Name: restart.policy, MaximumRetryCount: restart.most }
    const hostConfig = {
      ...more.hostConfig,
      ...changes,
      ...(unlimited && { PidsLimit: 0 }),
      ...(RestartPolicy && { RestartPolicy: policy }),
    }
    const before = asBody(more.hostConfig as HostBody)
    const why =
      RestartPolicy && restart.policy !== 'no' && more.autoRemove
        ? 'Restart policy cannot be updated because AutoRemove is enabled for the container'
        : conflictOf(changes, before)
    if (why !== undefined) throw new DrydockError(`Cannot update container ${container.id}: ${why}`, { status: 409 })
    const limits = limitsOf({ ...before, ...changes })
    const { cgroups } = core.machine
    const asks = limitsOf(changesOnly(changes, before))
    const warnings =
      run && Object.keys(changes).length > 0 ? updateCgroup(cgroupAt(cgroupPath(spec), cgroups), asks, cgroups) : notEnforced(asks, cgroups)
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

/** What does not go with what the container has already, in Docker's words. Processors' worth of time is said in one of two ways, once and for all. */
function conflictOf(changes: HostBody, { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, MemorySwap = 0 }: HostBody): string | undefined {
  const already = (what: string, before: string) => `Conflicting options: ${what} cannot be updated as ${before} has already been set`
  if (changes.NanoCpus && CpuPeriod > 0) return already('Nano CPUs', 'CPU Period')
  if (changes.NanoCpus && CpuQuota > 0) return already('Nano CPUs', 'CPU Quota')
  if (changes.CpuPeriod && NanoCpus > 0) return already('CPU Period', 'NanoCPUs')
  if (changes.CpuQuota && NanoCpus > 0) return already('CPU Quota', 'NanoCPUs')
  if (MemorySwap > 0 && changes.MemorySwap === undefined && (changes.Memory ?? 0) > MemorySwap)
    return 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time'
  return undefined
}
