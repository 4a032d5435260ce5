/** Where a foreign distribution comes from: what `npm run registry` has filled, or one that is put together here. */
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { storageDirectory } from '../../lib/classroom/places.js'
import { buildUserland } from '../../lib/image/host/index.js'
import { filesBelow } from '../04-rootfs/looks.js'
import { type Image, imageOf } from './image.js'
import { type NewEntry, pack } from './tar.js'

/** What `npm run registry` makes for this lesson: a system with rpm, and without apt. */
export const LIFEBOAT = 'library/lifeboat'
export const ATLANTIS = 'harbour/atlantis'

/** The classroom's registry as the bottle sees its files; undefined when it is not filled, or not for this user to read. */
export function filledStorage(bottle: Bottle): string | undefined {
  const storage = storageDirectory()
  const tags = join(storage, 'docker/registry/v2/repositories', LIFEBOAT, '_manifests/tags/latest/current/link')
  return existsSync(bottle.hostPath(tags)) ? storage : undefined
}

/** Programs of a system without busybox. */
const PROGRAMS = ['sh', 'cat', 'ls', 'uname', 'sleep', 'hostname'] as const

/** An image of this machine's own programs under another name; with busybox it brings that one's package managers along. */
export function atlantis(bottle: Bottle): Image {
  const place = bottle.hostPath('/atlantis')
  const named = { name: 'Atlantis Linux', osRelease: { ID: 'atlantis', VERSION_ID: '1' } }
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].some((path) => existsSync(path))
  buildUserland(
    place,
    busybox ? { ...named, programs: ['busybox', ...PROGRAMS, 'sed', 'grep', 'vi', 'ps', 'rpm'] } : { ...named, programs: PROGRAMS },
  )
  const entries = filesBelow(place).map(({ path, stat }): NewEntry => {
    const full = join(place, path)
    if (stat.isSymbolicLink()) return { path, type: 'symlink', target: readlinkSync(full), mode: 0o777 }
    if (stat.isDirectory()) return { path, type: 'dir', mode: lstatSync(full).mode & 0o7777 }
    return { path, type: 'file', mode: stat.mode & 0o7777, content: readFileSync(full) }
  })
  return imageOf([pack(entries)], { Cmd: ['/bin/sh'], Env: ['PATH=/usr/bin:/bin'] })
}
