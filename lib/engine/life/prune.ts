/** All containers that do not run go. Engine API 1.47, ContainerPrune. */
import { sentenceOf } from '../../kernel/errors.js'
import type { Core } from '../core.js'
import { checkFilters, type Filters, matchesLabels, untilFilter } from '../filters.js'
import { remove } from './remove.js'
import { sizesOf } from './sizes.js'

const KNOWN = ['until', 'label', 'label!']

export async function prune(core: Core, filters: Filters) {
  checkFilters(filters, KNOWN)
  const until = untilFilter(filters)
  const deleted: string[] = []
  let reclaimed = 0
  for (const container of core.containers.all()) {
    const { record, status, id } = container
    const labels = record.spec.declared?.labels ?? {}
    if (container.running || status === 'restarting' || container.doomed) continue
    if (!matchesLabels(filters, labels) || (filters.has('label!') && matchesLabels(filters, labels, 'label!'))) continue
    if (until !== undefined && Date.parse(record.created) > until) continue
    try {
      const { own } = await sizesOf(core, container)
      await remove(core, container)
      deleted.push(id)
      reclaimed += own
    } catch (error) {
      core.log('warn', `${container.name} is not removed: ${sentenceOf(error)}`)
    }
  }
  core.events.publish({ Type: 'container', Action: 'prune', ID: '', Attributes: { reclaimed: String(reclaimed) } })
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed }
}
