/** As an ordinary user: what overlayfs leaves in its directories is removed. Prints the mode of its work/work and what stays. */
import { readdirSync, statSync } from 'node:fs'
import { Bottle } from '../../../lib/bottle.js'
import { mkdir, remove_tree } from '../../../lib/kernel/calls/files.js'
import { mount } from '../../../lib/kernel/calls/mounts.js'
import { clone } from '../../../lib/kernel/calls/process.js'

const bottle = await Bottle.open({ name: 'remove-tree' })
const shim = await bottle.shim()
await shim.run([
  mkdir('/tmp/overlay', 0o755, { undo: [remove_tree('/tmp/overlay')] }),
  ...['lower', 'diff', 'work', 'merged'].map((name) => mkdir(`/tmp/overlay/${name}`)),
  mkdir('/tmp/overlay/lower/dir'),
  clone('mnt'),
  mount(
    'overlay',
    '/tmp/overlay/merged',
    'overlay',
    [],
    'lowerdir=/tmp/overlay/lower,upperdir=/tmp/overlay/diff,workdir=/tmp/overlay/work',
  ),
  remove_tree('/tmp/overlay/merged/dir'),
])
const whiteout = statSync(bottle.hostPath('/tmp/overlay/diff/dir')).isCharacterDevice()
const mode = statSync(bottle.hostPath('/tmp/overlay/work/work')).mode & 0o777
await shim.rollback()
console.log(JSON.stringify({ whiteout, mode, left: readdirSync(bottle.hostPath('/tmp')) }))
await bottle.close()
