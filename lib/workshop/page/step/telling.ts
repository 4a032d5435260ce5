/** Which picture tells most of what a step has changed. Pure. */
import type { Change } from '../changes.js'
import type { PictureName } from '../kernel/pictures.jsx'

/** Which picture shows a change best. */
export function pictureOfChange({ mark }: Change): PictureName {
  const [table, , part] = mark.split('/')
  if (table === 'processes') return part === 'capabilities' ? 'capabilities' : 'processes'
  if (table === 'namespaces') return 'namespaces'
  if (table === 'cgroups') return 'limits'
  return table === 'overlays' || table === 'changes' ? 'layers' : 'network'
}

/** The rarer kind of change tells more: every new process changes the tree. */
const TELLING: readonly PictureName[] = ['network', 'layers', 'limits', 'capabilities', 'namespaces', 'processes']

export function telling(changes: readonly Change[]): PictureName | undefined {
  // A network begins with a loopback, and a mount namespace with a copy of all mounts: that they came along says nothing.
  const born = new Set(changes.flatMap(({ mark }) => (mark.startsWith('namespaces/') ? [mark.split(':')[1]] : [])))
  const alone = ({ mark }: Change) => !/^(links|overlays)\//.test(mark) || !born.has(mark.split('/')[1])
  return TELLING.find((name) => changes.some((change) => pictureOfChange(change) === name && alone(change)))
}
