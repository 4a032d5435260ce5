/** Layers in a user namespace: an ordinary user with one id, and one with a range. */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { attributes, layer, Place, seen } from '../support/layer.js'
import { RANGE_OWNER, runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const USER = 54321

let place: Place
beforeAll(() => {
  place = new Place()
  chmodSync(place.base, 0o755)
})
afterAll(() => place.remove())

const ARCHIVE = layer(
  { path: 'etc/', type: 'directory', xattrs: { 'user.dir': 'yes' } },
  { path: 'etc/shadow', content: 'secret', mode: 0o640, gid: 42 },
  { path: 'bin/su', content: 'elf', mode: 0o4755 },
  { path: 'bin/crontab', content: 'elf', mode: 0o2755, gid: 101 },
  { path: 'bin/hard', type: 'hardlink', to: 'etc/shadow', mode: 0o640, gid: 42 },
  { path: 'null', type: 'char', major: 1, minor: 3, mode: 0o666 },
  { path: 'disk', type: 'block', major: 8, minor: 0 },
  { path: 'pipe', type: 'fifo' },
  { path: 'ping', xattrs: { 'security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex') } },
  { path: '.wh.gone' },
  { path: 'etc/.wh..wh..opq' },
)

let count = 0
function prepare(archive: Buffer, uid: number): { file: string; directory: string } {
  const file = join(place.base, `archive-${++count}.tar`)
  const directory = join(place.base, `rootless-${count}`)
  writeFileSync(file, archive)
  mkdirSync(directory)
  if (process.geteuid?.() === 0) chownSync(directory, uid, uid)
  return { file, directory }
}

const PROGRAM = [process.execPath, '--import', 'tsx', 'test/support/programs/unpack.ts']

/** `how`: more words for the program. */
async function asUser(archive: Buffer, ...how: string[]) {
  const uid = process.geteuid?.() === 0 ? USER : (process.geteuid?.() ?? 0)
  const { file, directory } = prepare(archive, uid)
  const { stdout, stderr } = await runAsOrdinaryUser([...PROGRAM, file, directory, ...how])
  return { said: JSON.parse((stdout as string) || JSON.stringify(stderr)), directory, owner: `${uid}:${uid}` }
}

describe('as an ordinary user with one id', () => {
  requires('one-id', 'user-namespaces')('out of an archive that is a file it is the same', async () => {
    const archive = layer({ path: 'bin/tool', content: randomBytes(50_000), mode: 0o755 }, { path: 'small', content: randomBytes(10) })
    const { said, directory, owner } = await asUser(archive, '', 'kept')
    expect(said).toMatchObject({ entries: 2, size: 50_010, warnings: [] })
    expect(seen(directory)).toMatchObject({ 'bin/tool': { mode: '755', owner }, small: { owner } })
    expect(archive.includes(readFileSync(join(directory, 'bin/tool')))).toBe(true)
  })

  requires(
    'one-id',
    'user-namespaces',
    'command:getfattr',
  )('all is root’s inside, which is the user, and what follows is said', async () => {
    const { said, directory, owner } = await asUser(ARCHIVE)
    expect(said).toMatchObject({ entries: 11, size: 12 })
    expect(said.warnings).toEqual([
      'device nodes were left out, which cannot be made in a user namespace: "null" and 1 more',
      expect.stringMatching(
        /^3 files of other users are root's here, because only one user id is mapped: install newuidmap \(package uidmap\)/,
      ),
    ])
    const found = seen(directory)
    expect(found).toMatchObject({
      etc: { owner, mode: '755' },
      'etc/shadow': { owner, mode: '640', content: 'secret', links: 2 },
      'bin/su': { mode: '4755', owner },
      'bin/crontab': { mode: '755', owner },
      pipe: { type: 'fifo' },
      gone: { type: 'char', device: '0:0' },
    })
    expect(Object.keys(found)).not.toContain('null')
    expect(attributes(join(directory, 'etc'))).toEqual({ 'user.dir': '796573', 'user.overlay.opaque': '79' })
    // The capability is this namespace's root's: version 3, with the user's id.
    if (process.geteuid?.() === 0) expect(attributes(join(directory, 'ping'))['security.capability']).toMatch(/^01000003.*31d40000$/)
  })

  requires('user-namespaces')('hostile ones are refused as root refuses them', async () => {
    const { said } = await asUser(layer({ path: 'l', type: 'symlink', to: '/etc' }, { path: 'l/passwd' }))
    expect(said.refused).toMatch(/"l\/passwd" is below a symbolic link that leads nowhere in this layer/)
  })
})

describe('as an ordinary user with a range of ids', () => {
  const withRange = async (archive: Buffer) => {
    const { file, directory } = prepare(archive, RANGE_OWNER.uid)
    const { stdout, stderr } = await runWithRange([...PROGRAM, file, directory])
    return { said: JSON.parse((stdout as string) || JSON.stringify(stderr)), directory }
  }

  requires(
    'root',
    'command:newuidmap',
    'command:getfattr',
  )('owners are kept, counted from the range', async () => {
    const { said, directory } = await withRange(ARCHIVE)
    expect(said.warnings).toEqual(['device nodes were left out, which cannot be made in a user namespace: "null" and 1 more'])
    const { uid, ids } = RANGE_OWNER
    expect(seen(directory)).toMatchObject({
      'etc/shadow': { owner: `${uid}:${ids.start + 41}`, mode: '640' },
      'bin/crontab': { owner: `${uid}:${ids.start + 100}`, mode: '2755' },
      'bin/su': { owner: `${uid}:${uid}`, mode: '4755' },
    })
    expect(attributes(join(directory, 'etc'))).toMatchObject({ 'user.overlay.opaque': '79' })
  })

  requires('root', 'command:newuidmap')('an id outside of the range is refused by name', async () => {
    const { said } = await withRange(layer({ path: 'mine', uid: 70_000 }))
    expect(said.refused).toBe(
      '"mine" belongs to user 70000, and only 65537 ids are mapped (try increasing the number of subordinate IDs in /etc/subuid)',
    )
  })
})
