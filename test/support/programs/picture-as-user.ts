/** Takes a picture of a bottle of this user's, in which a child is in further namespaces; prints it with what is to be found in it. */
import { Bottle } from '../../../lib/bottle.js'
import { clone } from '../../../lib/kernel/calls/process.js'
import { readNamespaces } from '../../../lib/kernel/proc/namespaces.js'
import { readProcess } from '../../../lib/kernel/proc/processes.js'
import { Photographer } from '../../../lib/picture/take.js'

const bottle = await Bottle.open({ name: 'pictured' })
const photographer = new Photographer()
try {
  const inside = await bottle.shim()
  await inside.run([clone('user', 'pid', 'uts')])
  const [shim, child] = [inside.pid, inside.childPid as number].map((pid) => bottle.hostPid(pid) as number)
  const picture = await photographer.take()
  const { user, pid, uts } = readNamespaces(child as number) ?? {}
  const first = readProcess(shim as number)?.ppid
  process.stdout.write(JSON.stringify({ picture, reader: own(), shim, bottle: first, child, made: { user, pid, uts } }))
  await inside.rollback()
} finally {
  await photographer.close()
  await bottle.close()
}

function own() {
  const { user, pid, net, uts } = readNamespaces('self') ?? {}
  return { user, pid, net, uts }
}
