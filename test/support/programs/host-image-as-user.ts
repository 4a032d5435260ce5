/** As an ordinary user: make the host image, run a program in it, and print what was seen as JSON. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { Bottle } from '../../../lib/bottle.js'
import { hostImage } from '../../../lib/image/host/index.js'
import { runIn } from '../userland.js'

process.umask(0o077)
// A bottle has a /tmp of its own; /var is seen from inside.
const dataRoot = mkdtempSync('/var/tmp/drydock-image-')
const image = await hostImage({ dataRoot })
const bottle = await Bottle.open({ name: 'image' })
const layer = image.layers[0] as string
const seen = {
  uid: process.geteuid?.(),
  rootless: bottle.rootless,
  id: await runIn(bottle, layer, ['id', '-u']),
  shell: await runIn(bottle, layer, ['sh', '-c', 'ls -ld / /tmp /root; . /etc/os-release; echo "$NAME"']),
}
await bottle.close()
rmSync(dataRoot, { recursive: true })
console.log(JSON.stringify({ ...seen, left: readdirSync('/var/tmp').filter((name) => dataRoot.endsWith(name)) }))
process.exit(0)
