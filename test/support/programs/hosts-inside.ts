/** Brings the hosts up, looks at vm-1 from inside, takes them down, and prints what it found as JSON. */
import { readdirSync } from 'node:fs'
import { endHostSpawner } from '../../../lib/bottle.js'
import { Hosts } from '../../../lib/hosts/hosts.js'
import { runInside } from '../../../lib/hosts/inside.js'
import { runDirectory } from '../../../lib/kernel/places.js'

const hosts = await Hosts.open({ internet: true })
const sh = (script: string) => runInside(hosts.record('vm-1'), ['sh', '-c', script])
const count = (text: string) => text.match(/1 packets received/g)?.length ?? 0
const ping = (to: string) => `busybox ping -c 1 -W 5 ${to}`
const contained = await sh(`DRYDOCK_ENGINE=none drydock run --rm host ${ping('8.8.8.8')}`)
const map = (await sh('cat /proc/self/uid_map')).stdout.trim().split('\n')
const found = {
  hostname: (await sh('hostname')).stdout,
  uid: (await sh('id -u')).stdout,
  ids: map.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0),
  pinged: count((await sh(`${ping('vm-2')}; ${ping('8.8.8.8')}`)).stdout),
  contained: count(contained.stdout),
}
if (contained.stderr) console.error(contained.stderr)
await hosts.close()
await endHostSpawner()
console.log(JSON.stringify({ ...found, left: readdirSync(runDirectory()) }))
process.exit(0)
