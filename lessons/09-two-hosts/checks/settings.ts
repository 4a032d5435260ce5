/** Doors for the learner's own program, which runs on neither of the two hosts: sockets in a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clone3, execve } from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { giveToInvoker } from '../../../lib/kernel/places.js'
import { until } from '../../01-namespaces/looks.js'
import { statOf } from '../../04-rootfs/looks.js'
import { type Wire, wire } from '../../08-engine/wire.js'
import type { TwoHosts } from '../ground.js'

/** unix(7). */
const LONGEST_PATH = 107

/**
 * A program on vm-2 that passes on what comes to a socket there to a port of vm-1:
 *
 *     learner's program ── door ── tutor ── relay on vm-2 ══ cable ══ vm-1
 *
 * So every packet goes from vm-2 to vm-1, and none from the learner's machine.
 */
export async function relay(hosts: TwoHosts, port: number): Promise<string> {
  const path = `/run/relay-${port}.sock`
  const bottle = hosts.on('vm-2')
  const shim = await bottle.shim()
  await shim.run([
    clone3([]),
    execve(process.execPath, ['node', '-e', RELAY, path, hosts.address('vm-1'), String(port)], hosts.record('vm-2').env),
  ])
  await until('the relay on vm-2', () => statOf(bottle.hostPath(path))?.isSocket())
  return bottle.hostPath(path)
}

const RELAY = `const net = require('node:net'), [path, host, port] = process.argv.slice(1)
net.createServer({ allowHalfOpen: true }, (near) => {
  const far = net.connect({ host, port: Number(port), allowHalfOpen: true })
  for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other)
}).listen(path)`

export interface Doors {
  /** Paths that the learner's user reaches. */
  readonly paths: readonly string[]
  close(): Promise<void>
}

/** A door for each of these sockets, in this order. */
export async function doors(targets: readonly string[]): Promise<Doors> {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-'))
  const paths = targets.map((_, index) => join(directory, `door-${index + 1}.sock`))
  const wires: Wire[] = []
  const close = async () => {
    for (const one of wires) await one.close()
    rmSync(directory, { recursive: true })
  }
  try {
    for (const [index, path] of paths.entries()) {
      if (Buffer.byteLength(path) > LONGEST_PATH) throw new DrydockError(`${path} is too long for a socket: set TMPDIR to a shorter path`)
      wires.push(await wire(path, targets[index] as string))
    }
    giveToInvoker(directory, { recursive: true })
    return { paths, close }
  } catch (error) {
    await close()
    throw error
  }
}
