/** The suite fails when anything is left on the host: mounts, links, cgroups, rules, processes, files in the run directory. */
import { hostSnapshot, lastingDifferences } from '../../lib/kernel/snapshot.js'

export default async function setup(): Promise<() => Promise<void>> {
  const before = await hostSnapshot()
  return async () => {
    // The spawners of the test processes end by themselves, a moment after them.
    const left = await lastingDifferences(before)
    if (left.length > 0) throw new Error(`the tests have changed the host:\n${left.map((line) => `  ${line}`).join('\n')}`)
  }
}
