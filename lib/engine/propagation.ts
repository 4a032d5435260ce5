/** Mounts that are to hear of what the host mounts below them, or to tell it. github.com/moby/moby, daemon/oci_linux.go. */
import { existsSync, realpathSync } from 'node:fs'
import { DrydockError } from '../kernel/errors.js'
import { type Mount, readMountinfo } from '../kernel/proc/mountinfo.js'
import type { MountSpec } from '../primitives/rootfs/index.js'

/** Throws, in Docker's words, for one whose source lies on a mount that tells nobody anything: it would be made, and nothing come of it. mount_namespaces(7). */
export function checkPropagation(mounts: readonly MountSpec[]): void {
  const asking = mounts.filter(({ propagation = '' }) => /shared|slave/.test(propagation))
  if (asking.length === 0) return
  const all = readMountinfo() ?? []
  for (const { source = '', propagation = '' } of asking) {
    const under = existsSync(source) ? mountUnder(all, realpathSync(source)) : undefined
    if (!under) continue
    const { shared, master, mountPoint } = under
    const [wanted, group] = propagation.includes('shared') ? ['shared', shared] : ['shared or slave', shared ?? master]
    if (group === undefined)
      throw new DrydockError(`path ${source} is mounted on ${mountPoint} but it is not a ${wanted} mount`, { status: 400 })
  }
}

/** The mount on which a path lies; of several at one point the last one. */
function mountUnder(all: readonly Mount[], path: string): Mount | undefined {
  const below = all.filter(({ mountPoint }) => `${path}/`.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`))
  return below.reduce<Mount | undefined>((best, one) => (best && best.mountPoint.length > one.mountPoint.length ? best : one), undefined)
}
