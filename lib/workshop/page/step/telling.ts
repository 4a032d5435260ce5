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

export const telling = (changes: readonly Change[]): PictureName | undefined =>
  TELLING.find((name) => changes.some((change) => pictureOfChange(change) === name))
