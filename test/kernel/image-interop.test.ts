/** The tools that everybody has, both ways: what skopeo and umoci make is read here, and what is made here is read by them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect } from 'vitest'
import { importImage } from '../../lib/image/import.js'
import { loadImages } from '../../lib/image/load.js'
import { push } from '../../lib/image/push.js'
import { parseReference } from '../../lib/image/reference.js'
import { saveImages } from '../../lib/image/save.js'
import type { Image } from '../../lib/image/store/index.js'
import type { Manifest } from '../../lib/image/types.js'
import { chunked, gzipped, layerTar, pullFrom, type TestStore, testStore } from '../support/images.js'
import { collect, registryClient } from '../support/registry-client.js'
import { RegistryServer } from '../support/registry-server.js'
import { requires } from '../support/requires.js'

let server: RegistryServer
let at: TestStore
let work = ''
beforeEach(async () => {
  server = await RegistryServer.start()
  at = testStore()
  work = mkdtempSync(join(tmpdir(), 'drydock-interop-'))
})
afterEach(async () => {
  await server.stop()
  await at.remove()
  rmSync(work, { recursive: true, force: true })
})

const base = layerTar({ 'etc/': '', 'etc/os-release': 'ID=tug\n' })
const top = layerTar({ 'etc/motd': 'ahoy\n' })
const skopeo = (...args: string[]) => execa('skopeo', ['--insecure-policy', ...args], { cwd: work })
const copy = (from: string, to: string, ...more: string[]) =>
  skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', ...more, from, to)
const umoci = (...args: string[]) => execa('umoci', args, { cwd: work })
const manifestIn = (directory: string) => JSON.parse(readFileSync(join(work, directory, 'manifest.json'), 'utf8')) as Manifest
const save = async (...words: string[]) => writeFileSync(join(work, 'saved.tar'), await collect(await saveImages(at.store, words)))
const load = (name: string) => loadImages(chunked(readFileSync(join(work, name))), { store: at.store })
const read = (image: Image | undefined, layer: number, path: string) => readFileSync(join(image?.layers[layer] as string, path), 'utf8')
const made = (name: string) => importImage(chunked(base), { store: at.store, reference: parseReference(name), changes: ['CMD ["sh"]'] })

requires('command:skopeo')('skopeo reads what is saved, as Docker’s archive and as an OCI one', async () => {
  const served = server.image('fleet/tug', 'latest', gzipped([base, top]))
  await pullFrom(server, 'fleet/tug', at.store)
  const { id } = await made('box:v1')
  await save(`${server.host}/fleet/tug`, 'box:v1')
  await copy('docker-archive:saved.tar:box:v1', 'dir:one')
  expect(manifestIn('one').config.digest).toBe(id)
  await copy('oci-archive:saved.tar:latest', 'dir:two')
  expect(readFileSync(join(work, 'two/manifest.json'))).toEqual(served.bytes)
})

requires('command:skopeo')('what skopeo archives is loaded, in both forms', async () => {
  const served = server.image('fleet/tug', 'latest', gzipped([base, top]))
  const from = `docker://${server.host}/fleet/tug`
  await copy(from, 'docker-archive:docker.tar:tug:docker')
  await copy(from, 'oci-archive:oci.tar:tug:oci')
  await copy(from, 'oci:layout:tug:v3')
  const [docker] = await load('docker.tar')
  expect([docker?.id, docker?.tags]).toEqual([served.config.digest, ['tug:docker']])
  expect(read(docker, 0, 'etc/motd')).toBe('ahoy\n')
  const [oci] = await load('oci.tar')
  expect(oci?.tags).toEqual(['tug:docker', 'tug:oci'])
  const [layout] = await loadImages(join(work, 'layout'), { store: at.store })
  expect(layout?.tags).toContain('tug:v3')
  expect(at.strays()).toEqual([])
})

requires('command:skopeo')('skopeo pulls what is pushed, and what skopeo pushes is pulled', async () => {
  const { id } = await made(`${server.host}/fleet/box`)
  const registry = registryClient(`${server.host}/fleet/box`)
  const { digest } = await push(parseReference(`${server.host}/fleet/box`), { store: at.store, registry })
  const { stdout } = await skopeo('inspect', '--tls-verify=false', `docker://${server.host}/fleet/box`)
  expect(JSON.parse(stdout)).toMatchObject({ Digest: digest, Os: 'linux' })
  await copy(`docker://${server.host}/fleet/box`, `docker://${server.host}/fleet/copy`, '--format', 'oci')
  const { image } = await pullFrom(server, 'fleet/copy', at.store)
  expect(image.config.config?.Cmd).toEqual(['sh'])
  expect(image.record.layers[0]?.diffId).toBe((await at.store.find(id)).record.layers[0]?.diffId)
})

requires(
  'root',
  'command:umoci',
  'command:skopeo',
)('umoci unpacks what is saved, and what umoci makes is loaded', async () => {
  server.image('fleet/tug', 'latest', gzipped([base, top]))
  const { image } = await pullFrom(server, 'fleet/tug', at.store)
  await save(`${server.host}/fleet/tug`)
  mkdirSync(join(work, 'saved'))
  await execa('tar', ['-xf', 'saved.tar', '-C', 'saved'], { cwd: work })
  await umoci('unpack', '--image', 'saved:latest', 'bundle')
  expect(readFileSync(join(work, 'bundle/rootfs/etc/motd'), 'utf8')).toBe(read(image, 0, 'etc/motd'))
  expect(readdirSync(join(work, 'bundle/rootfs/etc')).sort()).toEqual(['motd', 'os-release'])
  rmSync(join(work, 'bundle/rootfs/etc/os-release'))
  writeFileSync(join(work, 'bundle/rootfs/etc/hostname'), 'tug\n')
  await umoci('repack', '--image', 'saved:latest', 'bundle')
  await umoci('config', '--image', 'saved:latest', '--config.cmd', '/bin/true')
  // What umoci has changed is the layout; Docker's list beside it still tells of what was.
  rmSync(join(work, 'saved/manifest.json'))
  const [loaded] = await loadImages(join(work, 'saved'), { store: at.store }).then((images) => images.filter(({ id }) => id !== image.id))
  expect(loaded?.config.config?.Cmd).toEqual(['/bin/true'])
  expect(read(loaded, 0, 'etc/hostname')).toBe('tug\n')
  // A whiteout, as overlayfs has it.
  expect(readdirSync(join(loaded?.layers[0] as string, 'etc')).sort()).toEqual(['hostname', 'os-release'])
})
