/** The suite fails when anything is left on the host: mounts, links, cgroups, rules, processes, files in the run directory. */
import { diffSnapshots, hostSnapshot } from '../../lib/kernel/snapshot.js'

export default async function setup(): Promise<() => Promise<void>> {
  const before = await hostSnapshot()
  return async () => {
    const left = diffSnapshots(before, await hostSnapshot())
    if (left.length > 0) throw new Error(`the tests have changed the host:\n${left.map((line) => `  ${line}`).join('\n')}`)
  }
}
