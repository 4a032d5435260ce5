/** A shim that is started and left: a stand-in for a program that was killed while its spawner could not notice. Prints the shim's id. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SHIM_PATH } from '../../../lib/kernel/constants.js'
import { runDirectory } from '../../../lib/kernel/places.js'
import { readChildren } from '../../../lib/kernel/proc/processes.js'

const path = join(runDirectory(), `spawner-${process.pid}-0.sock`)
// Without a lifeline it has no means to know that this program ends.
const shim = spawn(SHIM_PATH, ['--spawner', path, '--warm', '1'], { stdio: 'ignore', detached: true })
shim.unref()
// When it keeps one ready it listens, and hears signals.
while (readChildren(shim.pid as number).length === 0) await sleep(5)
process.stdout.write(`${shim.pid}\n`, () => process.kill(process.pid, 'SIGKILL'))
