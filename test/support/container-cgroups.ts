/** The cgroups of containers here, as the kernel has them. */
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { cgroupAt, detectCgroups } from '../../lib/primitives/cgroups/index.js'

/** The ids of all that have one, in order. Undefined where there can be none. */
export function containerCgroups(): string[] | undefined {
  const [directory] = cgroupAt('x', detectCgroups())
  if (!directory) return undefined
  const parent = dirname(directory.path)
  return existsSync(parent)
    ? readdirSync(parent)
        .filter((name) => /^[0-9a-f]{64}$/.test(name))
        .sort()
    : []
}
