/** Where a foreign distribution comes from: what `npm run registry` has filled, or one that is put together here. */
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { storageDirectory } from '../../lib/classroom/places.js'
import { buildUserland } from '../../lib/image/host/index.js'
import { type Descriptor, type Manifest, MEDIA } from '../../lib/image/types.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import { filesBelow } from '../04-rootfs/looks.js'
import { type Blob, blob, type Image, imageOf } from './image.js'
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

/** Where `npm run registry` listens when nobody has named another place, and what a learner names whose teacher’s machine it is. */
const roomRegistry = () => process.env.DRYDOCK_REGISTRY || 'http://127.0.0.1:5000'

/** So long a registry gets that may not be there at all; and one that is, for a few megabytes over bad wifi. */
const PATIENCE = { answer: 5000, blob: 60_000 } as const

/** The image from a registry that runs, in the room or on this machine: asked for by the tutor, since the bottle has no way out. Undefined when there is none. */
export async function fromTheRoom(): Promise<Image | undefined> {
  const url = `${roomRegistry().replace(/\/$/, '')}/v2/${LIFEBOAT}`
  try {
    const answer = await fetch(`${url}/manifests/latest`, {
      headers: { Accept: MEDIA.manifest },
      signal: AbortSignal.timeout(PATIENCE.answer),
    })
    if (!answer.ok) return undefined
    const manifest = blob(Buffer.from(await answer.arrayBuffer()), MEDIA.manifest)
    const { config, layers } = JSON.parse(manifest.bytes.toString()) as Manifest
    const [first, ...others] = await Promise.all([config, ...layers].map((descriptor) => fetched(url, descriptor)))
    return first && { manifest, config: first, layers: others }
  } catch (error) {
    if (error instanceof DrydockError) throw error
    return undefined
  }
}

async function fetched(url: string, { digest, mediaType }: Descriptor): Promise<Blob> {
  const answer = await fetch(`${url}/blobs/${digest}`, { signal: AbortSignal.timeout(PATIENCE.blob) })
  const found = blob(Buffer.from(await answer.arrayBuffer()), mediaType)
  if (found.descriptor.digest === digest) return found
  throw new DrydockError(`${url} was asked for ${digest}, and has sent ${found.descriptor.digest}`)
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
