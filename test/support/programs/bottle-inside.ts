/** Opens a bottle, tries to do harm in it, and prints what it found as JSON. */
import { existsSync } from 'node:fs'
import { Bottle } from '../../../lib/bottle.js'
import { clone, execve } from '../../../lib/kernel/calls/process.js'
import { readIdMaps } from '../../../lib/kernel/proc/idmap.js'

const bottle = await Bottle.open({ name: 'inside' })
const shim = await bottle.shim()
const script = 'echo mine > /etc/drydock-was-here; rm -rf /etc/hostname /usr/bin/env; mount -t tmpfs none /mnt; kill -9 -1'
// It kills everything that it can see, the shim that watches over it included, maybe before that has answered.
await shim.run([clone('uts'), execve('/bin/sh', ['sh', '-c', script], ['PATH=/usr/bin:/bin:/usr/sbin:/sbin'])]).catch(() => undefined)
await shim.exited.catch(() => undefined)
const found = {
  rootless: bottle.rootless,
  written: existsSync(bottle.hostPath('/etc/drydock-was-here')),
  removed: !existsSync(bottle.hostPath('/usr/bin/env')),
  onHost: existsSync('/etc/drydock-was-here') || !existsSync('/usr/bin/env'),
  alive: existsSync(`/proc/${bottle.pid}`),
  uidMap: readIdMaps(bottle.pid)?.uid,
}
await bottle.close()
console.log(JSON.stringify({ ...found, aliveAfter: existsSync(`/proc/${bottle.pid}`) }))
process.exit(0)
