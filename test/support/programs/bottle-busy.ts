/** Opens bottles and runs steps in them until somebody kills it. Says 'ready' when the first one is up. */
import { Bottle } from '../../../lib/bottle.js'
import { mkdir } from '../../../lib/kernel/calls/files.js'
import { mount } from '../../../lib/kernel/calls/mounts.js'
import { clone, execve, sethostname } from '../../../lib/kernel/calls/process.js'

for (let round = 0; ; round++) {
  const bottle = await Bottle.open({ name: 'busy' })
  const memory = bottle.cgroup.inside.hierarchies.find(({ controllers }) => controllers.includes('memory'))
  if (round === 0) console.log('ready')
  const shim = await bottle.shim()
  await shim.run([
    ...(memory ? [mkdir(`${memory.base}/inner`), mkdir(`${memory.base}/inner/deeper`)] : []),
    clone('uts', 'pid', 'mnt'),
    sethostname('busy'),
    mount('proc', '/proc', 'proc'),
    execve('/bin/sh', ['sh', '-c', 'sleep 0.05']),
  ])
  await shim.exited
  await bottle.close()
}
