/** A container whose shim is killed, and then it; what doctor finds before and after, and removes. For an ordinary user. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readMachine } from '../../../lib/container/index.js'
import { findLeftovers, removeLeftovers } from '../../../lib/doctor/leftovers.js'
import { launch } from '../../../lib/engine/launch.js'
import { loneShim } from '../../../lib/kernel/lone.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import { readProcess } from '../../../lib/kernel/proc/processes.js'
import { busyboxRoot } from '../full.js'
import { specOf } from '../spec.js'

// The user's own: overlayfs lets nobody write in a copy of what belongs to somebody without an id inside.
const root = busyboxRoot()
const spec = specOf({ layers: [root.path], argv: ['sleep', '1000'] })
const { shim, layout } = await launch(
  { spec, dataRoot: dataRoot(), machine: readMachine() },
  { newShim: loneShim, monitor: ({ socket }) => ({ socketPath: socket }) },
)
const mine = async () => (await findLeftovers()).filter(({ name }) => name.includes(spec.id) || name === layout.socket)
const child = shim.childPid as number
const ended = shim.ended.catch(() => undefined)
process.kill(shim.pid, 'SIGKILL')
await ended
const running = await mine()
process.kill(child, 'SIGKILL')
while ((readProcess(child)?.state ?? 'Z') !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
const found = await mine()
const removals = await removeLeftovers(found)
const left = ['containers', 'overlay', 'names'].flatMap((name) => readdirSync(join(dataRoot(), name)))
root.remove()
process.stdout.write(JSON.stringify({ running, found, removals, left }))
