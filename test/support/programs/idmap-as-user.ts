/** As an ordinary user: makes a user namespace as this machine allows it, tries what one can do in it, and prints what came of it. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { hostSpawner } from '../../../lib/bottle.js'
import { meetBefore, plan } from '../../../lib/container/plan.js'
import { setgroups } from '../../../lib/kernel/calls/credentials.js'
import { chown, open } from '../../../lib/kernel/calls/files.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import type { Step } from '../../../lib/kernel/step.js'
import { helpers, idmap, planIdmap } from '../../../lib/primitives/idmap.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'

const map = planIdmap()
const shim = await (await hostSpawner()).shim()
const [before, after] = meetBefore('become', plan([namespaces({ user: 'new' }), idmap(map)]))
await shim.run(before)
for (const [program, ...args] of helpers(map, shim.childPid as number)) await execa(program as string, args)
await shim.run(after)

const attempt = async (step: Step) => {
  const [result] = await shim.attempt([step])
  return result?.status === 'ok' ? '' : errnoOf(result?.errno ?? 0).name
}
const file = join(mkdtempSync(join(process.env.DRYDOCK_RUN_DIR as string, 'idmap-')), 'file')
await shim.run([open(file, ['wronly', 'creat'], { mode: 0o600 })])
const proc = (name: string) => readFileSync(`/proc/${shim.childPid}/${name}`, 'utf8').trim()
const found = {
  uid: process.getuid?.(),
  method: map.method,
  setgroups: proc('setgroups'),
  groups: await attempt(setgroups([5])),
  chown: await attempt(chown(file, 7, 7)),
  uidMap: proc('uid_map')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number)),
}
// Back to the owner, who must be able to clean up.
await attempt(chown(file, 0, 0))
console.log(JSON.stringify(found))
process.exit(0)
