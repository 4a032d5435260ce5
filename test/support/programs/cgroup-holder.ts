/** Makes a container in cgroups of its own, prints their directories as JSON, and waits to be killed. */
import { hostSpawner } from '../../../lib/bottle.js'
import { plan } from '../../../lib/container/plan.js'
import { below, cgroups, detectCgroups } from '../../../lib/primitives/cgroups/index.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'

const fragment = cgroups({ path: 'held', pids: 5 }, below(detectCgroups(), `test-${process.pid}`))
const shim = await (await hostSpawner()).shim()
await shim.run(plan([fragment, namespaces({ pid: 'new', ...fragment.clone })]))
console.log(JSON.stringify(fragment.made.filter((path) => path.includes(`test-${process.pid}`))))
setInterval(() => undefined, 60_000)
