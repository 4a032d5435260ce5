/** The image of this lesson's containers: a few programs of this machine, as an archive that an engine can import. */
import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import type { Bottle } from '../../lib/bottle.js'
import { buildUserland } from '../../lib/image/host/index.js'
import { newName } from '../01-namespaces/looks.js'
import { filesBelow } from '../04-rootfs/looks.js'
import { type NewEntry, pack } from '../07-images/tar.js'

export const IMAGE = 'lifeboat'

const PROGRAMS = ['sh', 'cat', 'ls', 'ps', 'sleep', 'true', 'id', 'uname', 'hostname'] as const

let packed: Buffer | undefined

/** Put together once: the programs of a machine do not change while a lesson lasts. */
export function lifeboat(bottle: Bottle): Buffer {
  packed ??= packTree(bottle)
  return packed
}

function packTree(bottle: Bottle): Buffer {
  const root = bottle.hostPath(`/${newName('lifeboat')}`)
  buildUserland(root, { name: 'Lifeboat', programs: PROGRAMS })
  const entries = filesBelow(root).map(({ path, stat }): NewEntry => {
    const mode = stat.mode & 0o7777
    if (stat.isDirectory()) return { path, type: 'dir', mode }
    if (stat.isSymbolicLink()) return { path, type: 'symlink', mode, target: readlinkSync(`${root}/${path}`) }
    return { path, type: 'file', mode, content: readFileSync(`${root}/${path}`) }
  })
  rmSync(root, { recursive: true })
  return pack(entries)
}
