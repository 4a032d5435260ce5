/** Images of an ordinary user: pulled, saved, loaded and removed, with one id and with a range of ids. */
import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { TAR_END, tarHeader, tarPadding } from '../../lib/image/tar/index.js'
import { RANGE_OWNER, runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { RegistryServer } from '../support/registry-server.js'
import { requires } from '../support/requires.js'

let server: RegistryServer
let directory = ''
beforeEach(async () => {
  server = await RegistryServer.start()
  directory = mkdtempSync('/var/tmp/drydock-image-user-')
  await chmod(directory, 0o777)
})
afterEach(async () => {
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A directory that only uid 5 looks into, and what is in it. */
function layer(): Buffer {
  const mtime = { seconds: 1e9, nanoseconds: 0 }
  const one = (path: string, type: 'directory' | 'file', mode: number, uid: number, content = '') => {
    const bytes = Buffer.from(content)
    return [tarHeader({ path: Buffer.from(path), type, mode, uid, gid: uid, mtime, size: bytes.length }), bytes, tarPadding(bytes.length)]
  }
  const entries = [
    one('etc/', 'directory', 0o755, 0),
    one('home/', 'directory', 0o700, 5),
    one('home/file', 'file', 0o600, 5, 'mine'),
    one('etc/secret', 'file', 0o4711, 0, 'hush'),
  ]
  return Buffer.concat([...entries.flat(), TAR_END])
}

const life = (root: string) => program('image-as-user', root, `${server.host}/fleet/tug`)

requires(
  'root',
  'user-namespaces',
  'command:setpriv',
)('one id: everything is the user’s own', async () => {
  server.image('fleet/tug', 'latest', { layers: [layer()] })
  const { stdout, stderr } = await runAsOrdinaryUser(life(join(directory, 'data')))
  const { uid, owners, ...rest } = JSON.parse((stdout as string) || `"${stderr}"`)
  expect(owners).toEqual([
    [uid, '755'],
    [uid, expect.stringMatching(/^4?711$/)],
    [uid, '700'],
  ])
  expect(rest).toEqual({ same: true, removed: 2, left: [] })
})

requires(
  'root',
  'user-namespaces',
  'command:newuidmap',
)('a range: each id inside is another one outside', async () => {
  server.image('fleet/tug', 'latest', { layers: [layer()] })
  const { stdout, stderr } = await runWithRange(life(join(directory, 'data')))
  const { uid, owners, ...rest } = JSON.parse((stdout as string) || `"${stderr}"`)
  expect(owners).toEqual([
    [uid, '755'],
    [uid, '4711'],
    [RANGE_OWNER.ids.start + 4, '700'],
  ])
  expect(rest).toEqual({ same: true, removed: 2, left: [] })
})
