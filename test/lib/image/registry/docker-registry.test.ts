import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect } from 'vitest'
import { parseReference } from '../../../../lib/image/reference.js'
import { Certificates } from '../../../../lib/image/registry/certificates.js'
import { HttpClient } from '../../../../lib/image/registry/http.js'
import { type Credentials, Registry } from '../../../../lib/image/registry/index.js'
import { type Manifest, MEDIA } from '../../../../lib/image/types.js'
import { DockerRegistry, type DockerRegistryOptions, REGISTRY_USER } from '../../../support/docker-registry.js'
import { bytes, collect, NO_CONFIG } from '../../../support/registry-client.js'
import { digestOf } from '../../../support/registry-server.js'
import { requires } from '../../../support/requires.js'

const test = requires('command:docker-registry')
const withTls = requires('command:docker-registry', 'command:openssl')
const withSkopeo = requires('command:docker-registry', 'command:skopeo')

const running: DockerRegistry[] = []
afterEach(async () => {
  for (const registry of running.splice(0)) await registry.stop()
})
async function start(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const registry = await DockerRegistry.start(options)
  running.push(registry)
  return registry
}

const open = (reference: string, { credentials, mirrors = [] }: { credentials?: Credentials; mirrors?: string[] } = {}) =>
  new Registry(parseReference(reference), { config: { ...NO_CONFIG, mirrors }, credentials: async () => credentials })

const source = (from: Buffer) =>
  async function* () {
    for (let at = 0; at < from.length; at += 65_536) yield from.subarray(at, at + 65_536)
  }

/** A config and two layers; the second is large enough to come in many pieces. */
async function push(registry: Registry, tag: string): Promise<{ manifest: Manifest; raw: Buffer; contents: Buffer[] }> {
  const layers = [gzipSync(bytes(1000, 'first')), bytes(5_000_000, 'second')]
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } }),
  )
  const contents = [config, ...layers]
  const [first, ...rest] = contents.map((content, index) => ({
    mediaType: index === 0 ? MEDIA.config : MEDIA.layerGzip,
    digest: digestOf(content),
    size: content.length,
  }))
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: first as never, layers: rest }
  for (const [index, descriptor] of [manifest.config, ...manifest.layers].entries()) {
    if (!(await registry.hasBlob(descriptor))) await registry.putBlob(descriptor, source(contents[index] as Buffer))
  }
  const raw = Buffer.from(JSON.stringify(manifest))
  await registry.putManifest(raw, MEDIA.manifest, tag)
  return { manifest, raw, contents }
}

/** `parts`: and each blob's end once more by itself, as after a connection that was cut. */
async function expectPulled(
  registry: Registry,
  tag: string,
  { manifest, raw, contents }: Awaited<ReturnType<typeof push>>,
  { parts = true } = {},
): Promise<void> {
  expect(await registry.resolve(tag)).toEqual({ digest: digestOf(raw), mediaType: MEDIA.manifest, size: raw.length })
  for (const name of [tag, digestOf(raw)]) expect((await registry.manifest(name)).bytes.equals(raw)).toBe(true)
  for (const [index, descriptor] of [manifest.config, ...manifest.layers].entries()) {
    const content = contents[index] as Buffer
    expect((await collect(registry.blob(descriptor))).equals(content)).toBe(true)
    if (parts) expect((await collect(registry.blob(descriptor, 77))).equals(content.subarray(77))).toBe(true)
  }
}

describe('docker-registry', () => {
  test('takes and gives an image, over plain HTTP on loopback', async () => {
    const registry = open(`${(await start()).host}/fleet/tug`)
    await expectPulled(registry, 'v1', await push(registry, 'v1'))
    registry.close()
  })

  test('has one repository’s blob mounted in another', async () => {
    const { host } = await start()
    const tug = open(`${host}/fleet/tug`)
    const { manifest } = await push(tug, 'v1')
    const barge = open(`${host}/fleet/barge`)
    for (const layer of manifest.layers) {
      expect(await barge.hasBlob(layer)).toBe(false)
      expect(await barge.mountBlob(layer, 'fleet/tug')).toBe(true)
      expect(await barge.hasBlob(layer)).toBe(true)
    }
    const unknown = { mediaType: MEDIA.layer, digest: digestOf(Buffer.from('unknown')), size: 7 }
    expect(await barge.mountBlob(unknown, 'fleet/tug')).toBe(false)
  })

  test('says what Docker says of what is not there', async () => {
    const { host } = await start()
    const registry = open(`${host}/fleet/tug:v9`)
    const message = `manifest for ${host}/fleet/tug:v9 not found: manifest unknown: manifest unknown`
    await expect(registry.manifest('v9')).rejects.toMatchObject({ message, status: 404 })
    await push(registry, 'v1')
    await expect(registry.manifest('v9')).rejects.toMatchObject({ message, status: 404 })
    const lie = { mediaType: MEDIA.layer, digest: digestOf(Buffer.from('other')), size: 5 }
    await expect(registry.putBlob(lie, source(Buffer.from('truth')))).rejects.toThrow(/^digest invalid: provided digest did not match/)
  })

  test('with a password lets in who has it', async () => {
    const { host } = await start({ password: true })
    const registry = open(`${host}/fleet/tug`, { credentials: REGISTRY_USER })
    expect(await registry.login()).toEqual({})
    await expectPulled(registry, 'v1', await push(registry, 'v1'))
    await expect(open(`${host}/fleet/tug`).manifest('v1')).rejects.toThrow('no basic auth credentials')
    await expect(open(`${host}/fleet/tug`).resolve('v1')).rejects.toThrow(`Head "http://${host}/v2/fleet/tug/manifests/v1": no basic auth`)
    await expect(push(open(`${host}/fleet/tug`), 'v2')).rejects.toThrow(/^no basic auth credentials$/)
    const stranger = open(`${host}/fleet/tug`, { credentials: { username: 'mate', password: 'wrong' } })
    await expect(stranger.manifest('v1')).rejects.toThrow('unauthorized: authentication required')
    const refused = `login attempt to http://${host}/v2/ failed with status: 401 Unauthorized`
    await expect(stranger.login()).rejects.toMatchObject({ message: refused, status: 401 })
  })

  withTls('with TLS is spoken to with TLS; on loopback nobody checks who it is', async () => {
    const { host } = await start({ tls: true, password: true })
    const registry = open(`${host}/fleet/tug`, { credentials: REGISTRY_USER })
    await expectPulled(registry, 'v1', await push(registry, 'v1'))
    await expect(open(`${host}/fleet/tug`).manifest('v1')).rejects.toThrow(`Get "https://${host}/`)
  })

  withTls('that has signed for itself is believed when certs.d says so, and only then', async () => {
    const registry = await start({ tls: true })
    const ask = async (directories: string[], name = registry.host) => {
      const certificates = new Certificates(directories)
      const http = new HttpClient({ tls: (host) => certificates.for(host, { checked: true }) })
      try {
        return (await http.request({ method: 'GET', url: new URL(`https://${name}/v2/`) })).status
      } finally {
        http.close()
      }
    }
    const unknown = `Get "https://${registry.host}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`
    await expect(ask([])).rejects.toThrow(unknown)
    const directory = registry.certificates()
    expect(await ask([directory])).toBe(200)
    // It is for 127.0.0.1, and for no other name.
    const other = registry.host.replace('127.0.0.1', 'localhost')
    mkdirSync(join(directory, other))
    writeFileSync(join(directory, other, 'ca.crt'), registry.certificate as string)
    await expect(ask([directory], other)).rejects.toThrow('x509: certificate is not valid for localhost')
  })

  test('without TLS, where TLS is needed, is said', async () => {
    const { host } = await start()
    const http = new HttpClient({ tls: (name) => new Certificates([]).for(name, { checked: true }) })
    const words = `Get "https://${host}/v2/": http: server gave HTTP response to HTTPS client`
    await expect(http.request({ method: 'GET', url: new URL(`https://${host}/v2/`) })).rejects.toThrow(words)
  })

  test('that is a mirror gives what Docker Hub would', async () => {
    const hub = await start()
    const pushed = await push(open(`${hub.host}/library/tug`), 'v1')
    const mirror = await start({ mirrorOf: `http://${hub.host}` })
    const registry = open('tug:v1', { mirrors: [`http://${mirror.host}`] })
    // Asked again for what it is just storing, it answers 500 once in a thousand times.
    await expectPulled(registry, 'v1', pushed, { parts: false })
    registry.close()
  })

  withSkopeo('gives what skopeo has put there, and skopeo takes what we have', async () => {
    const { host } = await start()
    const pushed = await push(open(`${host}/fleet/tug`), 'v1')
    const directory = mkdtempSync(join(tmpdir(), 'drydock-skopeo-'))
    const skopeo = promisify(execFile)
    const insecure = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false']
    try {
      await skopeo('skopeo', [...insecure, `docker://${host}/fleet/tug:v1`, `dir:${directory}/dir`])
      expect(readFileSync(join(directory, 'dir/manifest.json')).equals(pushed.raw)).toBe(true)
      await skopeo('skopeo', [...insecure, '--preserve-digests', `dir:${directory}/dir`, `docker://${host}/fleet/copy:v2`])
      await expectPulled(open(`${host}/fleet/copy`), 'v2', pushed)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
