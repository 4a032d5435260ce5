/** As an ordinary user: makes a container in a user namespace, enters it both ways, and prints whether it got in. */
import { readlinkSync } from 'node:fs'
import { hostSpawner } from '../../../lib/bottle.js'
import { plan } from '../../../lib/container/plan.js'
import type { Namespace } from '../../../lib/kernel/calls/process.js'
import type { Fragment } from '../../../lib/kernel/step.js'
import { idmap } from '../../../lib/primitives/idmap.js'
import { enterAll, type NamespacesSpec, namespaces } from '../../../lib/primitives/namespaces.js'

const KINDS: readonly Namespace[] = ['user', 'uts', 'ipc', 'net', 'pid', 'mnt']
const own = (outside: number) => [{ inside: 0, outside, count: 1 }]
const spawner = await hostSpawner()

async function run(...fragments: Fragment[]): Promise<number> {
  const shim = await spawner.shim()
  await shim.run(plan(fragments))
  return shim.childPid as number
}

const identities = (pid: number) => KINDS.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`)).join()
const every = <T>(way: T) => Object.fromEntries(KINDS.map((kind) => [kind, way]))

const first = await run(
  namespaces(every('new') as NamespacesSpec),
  idmap({ method: 'single', uids: own(process.getuid?.() ?? 0), gids: own(process.getgid?.() ?? 0) }),
)
const entered = await run(enterAll({ pid: first, kinds: KINDS, unprivileged: true }))
const joined = await run(namespaces({ ...every({ join: first }), unprivileged: true }))
console.log(JSON.stringify({ entered: identities(entered) === identities(first), joined: identities(joined) === identities(first) }))
process.exit(0)
