/** Bodies of POST /containers/create as records: what is read, what is refused, what means nothing. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readBody, requestedRecord } from '../../../lib/engine/request/index.js'
import { parseSignal } from '../../../lib/kernel/signals.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-request-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const image = {
  name: 'box',
  layers: ['/layer'],
  env: ['A=1'],
  entrypoint: [],
  cmd: ['sh'],
  workingDir: '/w',
  user: 'u',
  exposedPorts: ['80/tcp'],
}
const nobody = (word: string): never => {
  throw new Error(`asked for ${word}`)
}
const around = (more: { rootless?: boolean; ruleless?: boolean } = {}) => ({
  dataRoot: root,
  image,
  rootless: false,
  ruleless: false,
  recordOf: nobody,
  ...more,
})
const requested = (body: Record<string, unknown>, name?: string) =>
  requestedRecord(readBody({ Image: 'box', ...body }), { ...around(), ...(name && { name }) })
const host = (HostConfig: Record<string, unknown>) => requested({ HostConfig }).record

test('a network that cannot be made: none where nothing is said, and what is asked for is refused at once or when it starts', () => {
  const network = (more: { rootless?: boolean; ruleless?: boolean }, NetworkMode?: string) =>
    requestedRecord(readBody({ Image: 'box', HostConfig: { NetworkMode } }), around(more)).record.spec.network.kind
  for (const nothing of [undefined, '', 'default']) {
    const kinds = [{}, { ruleless: true }, { rootless: true }].map((more) => network(more, nothing))
    expect(kinds).toEqual(['networks', 'none', 'none'])
  }
  const why = (more: { rootless?: boolean; ruleless?: boolean }) => requestedRecord(readBody({ Image: 'box' }), around(more)).warnings
  expect(why({ ruleless: true })).toEqual([expect.stringContaining('has no network: nft,')])
  expect(why({ rootless: true, ruleless: true })).toEqual(['The container has no network: plugging in a cable needs root.'])
  expect(network({ ruleless: true }, 'bridge')).toBe('networks')
  expect(() => network({ rootless: true }, 'bridge')).toThrow(/the network bridge needs root/)
})

test('what clients send without meaning anything changes nothing', () => {
  const noise = {
    MemorySwappiness: -1,
    NetworkMode: 'default',
    ConsoleSize: [0, 0],
    Binds: null,
    CapAdd: null,
    Links: null,
    RestartPolicy: { Name: 'no' },
    DeviceRequests: null,
    NotAMember: 7,
  }
  const [plain, noisy] = [
    {},
    { HostConfig: noise, NetworkingConfig: { EndpointsConfig: { default: {} } }, Volumes: null, NotAMember: 1 },
  ].map((body) => requested(body, 'same').record)
  const apart = (record: typeof plain) =>
    JSON.stringify(record)
      .replaceAll(record?.spec.id ?? '', 'ID')
      .replaceAll(record?.spec.hostname ?? '', 'ID')
  const { created: _one, ...first } = JSON.parse(apart(plain))
  const { created: _other, ...second } = JSON.parse(apart(noisy))
  second.more.endpoints = first.more.endpoints
  expect(second).toEqual(first)
  expect(readdirSync(root)).toEqual([])
})

test('the image fills in what was not said, and an entrypoint takes its command away', () => {
  const { spec, more } = requested({ Env: ['A=2', 'B=3'] }).record
  expect(spec).toMatchObject({ argv: ['sh'], env: ['A=2', 'B=3'], cwd: '/w', user: 'u' })
  expect(more?.config).toMatchObject({ Cmd: ['sh'], Entrypoint: null, WorkingDir: '/w', ExposedPorts: { '80/tcp': {} } })
  expect(requested({ Entrypoint: 'one' }).record.spec.argv).toEqual(['one'])
  expect(() => requested({ Entrypoint: [] })).toThrow('no command specified')
})

describe('refused, each by its name and with 400', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ Env: 3 }, 'Env must be a list of strings'],
    [{ Image: '' }, 'no image specified'],
    [{ WorkingDir: 'relative' }, 'needs to be an absolute path'],
    [{ StopSignal: 'FOO' }, 'Invalid signal: FOO'],
    [{ HostConfig: { StorageOpt: { size: '1g' } } }, 'HostConfig.StorageOpt is not supported'],
    [{ HostConfig: { Links: ['a:b:c'] } }, 'bad format for links: a:b:c'],
    [{ HostConfig: { Links: ['a:b'], NetworkMode: 'host' } }, "host type networking can't be used with links"],
    [{ MacAddress: 'x' }, 'invalid MAC address: x'],
    [{ HostConfig: { Devices: [{ PathOnHost: '/dev/fd', PathInContainer: '/dev/x' }] } }, 'custom device "/dev/fd": not a device node'],
    [{ HostConfig: { Devices: [{ PathOnHost: '/etc/passwd' }] } }, 'custom device "/etc/passwd": not a device node'],
    [{ HostConfig: { Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/etc/x' }] } }, 'a device is put below /dev of a container'],
    [{ ExposedPorts: { '127.0.0.1:22:80/tcp': {} }, HostConfig: { PublishAllPorts: true } }, 'what is exposed is a port of the container'],
    [
      { MacAddress: '02:00:00:00:00:01', NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: '02:00:00:00:00:02' } } } },
      'container-wide MAC',
    ],
    [{ NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv6Address: 'fd00::2' } } } } }, 'on user defined networks only'],
    [{ NetworkingConfig: { EndpointsConfig: { sea: { IPAMConfig: { IPv6Address: '10.0.0.1' } } } } }, 'invalid IPv6 address: 10.0.0.1'],
    [{ HostConfig: { Memory: 1000 } }, 'Minimum memory limit allowed is 6MB'],
    [{ HostConfig: { CapAdd: ['FOO'] } }, 'invalid CapAdd'],
    [{ HostConfig: { LogConfig: { Type: 'syslog' } } }, "no log driver named 'syslog'"],
    [{ HostConfig: { Runtime: 'kata' } }, 'HostConfig.Runtime is not supported'],
    [{ HostConfig: { Sysctls: { 'kernel.hostname': 'x' } } }, 'not in a separate kernel namespace'],
    [{ HostConfig: { Tmpfs: { '/x': '' }, Binds: ['/tmp:/x'] } }, 'Duplicate mount point: /x'],
    [{ HostConfig: { RestartPolicy: { Name: 'always' }, AutoRemove: true } }, "can't create 'AutoRemove' container with restart policy"],
    [{ Hostname: 'h', HostConfig: { UTSMode: 'host' } }, 'conflicting options: hostname and the UTS mode'],
  ])('%j', (body, sentence) => {
    expect(() => requested(body)).toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining(sentence) }))
  })
})

test('ports, limits, logs, and what is shared', () => {
  const { spec } = host({ PortBindings: { '81/udp': [{ HostPort: '8081' }] }, PublishAllPorts: true })
  expect(spec.network).toMatchObject({ kind: 'networks', names: ['bridge'], ports: [':8081:81/udp', '80/tcp'] })
  expect(host({ NanoCpus: 5e8, PidsLimit: -1 }).spec.limits).toEqual({ cpus: 0.5, pids: -1 })
  expect(host({ LogConfig: { Type: '', Config: { 'max-size': '1k', 'max-file': '3' } } }).more?.log).toEqual({
    driver: 'json-file',
    maxSize: 1000,
    maxFiles: 3,
  })
  expect(host({ PidMode: 'host', CgroupnsMode: 'host' }).spec.sharing).toEqual({ pid: 'host', cgroup: 'host' })
})

test('signals by name and by number', () => {
  expect(['SIGKILL', 'term', '15', 'RTMIN', 'RTMIN+3', 'RTMAX-1'].map(parseSignal)).toEqual([9, 15, 15, 34, 37, 63])
  for (const wrong of ['', '0', '65', 'RTMIN-1', 'RTMAX+1']) expect(() => parseSignal(wrong)).toThrow('Invalid signal')
})

test('what an image says of volumes and ports names nothing of the host', () => {
  const hostile = (more: object) => ({ ...around(), image: { ...image, ...more } })
  const volumes = ['/etc:/host', '/:/all:rslave', 'named:/x', 'c:d:e:f']
  const { spec } = requestedRecord(readBody({ Image: 'box' }), hostile({ volumes })).record
  expect(spec.mounts.map(({ target }) => target)).toEqual(volumes.map((text) => join('/', text)))
  for (const { source } of spec.mounts) expect(source).toMatch(new RegExp(`^${root}/volumes/[0-9a-f]{64}/_data$`))
  expect(spec.ownVolumes).toHaveLength(volumes.length)

  const published = (exposedPorts: string[], PublishAllPorts: boolean) =>
    requestedRecord(readBody({ Image: 'box', HostConfig: { PublishAllPorts } }), hostile({ exposedPorts })).record.spec.network
  for (const port of ['22:80/tcp', '0.0.0.0:22:80', '[::]:22:80/udp']) {
    expect(() => published([port], true)).toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining(port) }))
    expect(published([port], false)).toMatchObject({ ports: [] })
  }
  expect(published(['80', '90-91/udp'], true)).toMatchObject({ ports: ['80/tcp', '90-91/udp'] })
})
