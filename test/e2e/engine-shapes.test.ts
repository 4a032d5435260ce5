/** What an engine tells, beside what a real Docker daemon tells of the same things: member by member, name and type. */
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import { type Dockerd, settleForDocker, startDockerd } from '../support/dockerd.js'
import { body, enginePlace, type Place } from '../support/engine.js'
import { layerTar } from '../support/images.js'
import { PrivateHost } from '../support/private-host.js'
import { missing, type Requirement, requires } from '../support/requires.js'

const NEEDS: readonly Requirement[] = [
  'root',
  ...['unshare', 'nsenter', 'ip', 'busybox', 'dockerd', 'docker'].map((name): Requirement => `command:${name}`),
]
const test = requires(...NEEDS)
const PLACE = '/run/shapes'

let host: PrivateHost
let dockerd: Dockerd
let place: Place
let engine: Engine

/** One layer, the same for both. */
const ARCHIVE = layerTar({ 'etc/': '', 'etc/motd': 'ahoy' })
const CHANGES = ['CMD ["motd"]', 'LABEL deck=upper', 'VOLUME /hold', 'EXPOSE 80']
const NETWORK = {
  Name: 'sea',
  Driver: 'bridge',
  IPAM: { Config: [{ Subnet: '10.5.0.0/24', Gateway: '10.5.0.1' }] },
  Labels: { deep: 'yes' },
}
const VOLUME = { Name: 'cargo', Labels: { tea: 'yes' } }
const CONTAINER = { Image: 'raft', Cmd: ['sail'], HostConfig: { NetworkMode: 'none', Binds: ['cargo:/cargo'] } }

beforeAll(async () => {
  if (missing(NEEDS).length > 0) return
  host = await PrivateHost.open()
  const reach = host.path(PLACE)
  mkdirSync(reach, { recursive: true })
  await host.run(['sh', '-ec', settleForDocker(PLACE)])
  // Nothing runs in a container of it: no link, rule or cgroup is made.
  const settings = { bridge: 'none', iptables: 'false', 'ip-forward': 'false' }
  dockerd = await startDockerd({ place: PLACE, reach, enter: (argv) => host.enter(argv), settings })
  await ask(
    'POST',
    `/images/create?fromSrc=-&repo=raft&tag=latest&${CHANGES.map((one) => `changes=${encodeURIComponent(one)}`).join('&')}`,
    ARCHIVE,
  )
  await ask('POST', '/images/raft/tag?repo=raft&tag=two')
  await ask('POST', '/volumes/create', VOLUME)
  await ask('POST', '/containers/create?name=one', CONTAINER)
  await ask('POST', '/commit?container=one&repo=raft&tag=three&comment=made', {})
  place = await enginePlace()
  engine = await place.open()
  const transfer = { onProgress: () => undefined, signal: new AbortController().signal }
  await engine.images.import('-', Readable.from([ARCHIVE]), { repo: 'raft', tag: 'latest', changes: CHANGES }, transfer)
  await engine.images.tag('raft', 'raft', 'two')
  await engine.volumes.create(VOLUME)
  await engine.containers.create(body(CONTAINER.Cmd, { Image: 'raft' }, CONTAINER.HostConfig), { name: 'one' })
  await engine.images.commit({ container: 'one', repo: 'raft', tag: 'three', comment: 'made', pause: false, changes: [] })
}, 240_000)
afterAll(async () => {
  await engine?.close()
  await place?.remove()
  await dockerd?.stop()
  await host?.close()
})

async function ask(method: string, path: string, sent?: object): Promise<unknown> {
  const payload = sent === undefined || Buffer.isBuffer(sent) ? sent : Buffer.from(JSON.stringify(sent))
  const headers = { 'content-type': 'application/json', ...(payload && { 'content-length': String(payload.length) }) }
  const answer = await new Promise<{ status: number; said: string }>((resolve, reject) => {
    const asking = request({ socketPath: join(host.path(PLACE), 'docker.sock'), method, path, headers }, (response) => {
      text(response).then((said) => resolve({ status: response.statusCode ?? 0, said }), reject)
    })
    asking.once('error', reject).end(payload)
  })
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.said}`)
  return /^[[{]/.test(answer.said) && method === 'GET' ? JSON.parse(answer.said) : answer.said
}

/** Members whose keys are anybody's words. */
const MAPS = ['Labels', 'Options', 'Containers', 'Networks', 'IndexConfigs', 'Runtimes', 'Details', 'Data', 'Volumes', 'ExposedPorts']

/** Every path that one of them has and the other has not, or has with another type. Null goes with lists, maps and objects. */
function differences(docker: unknown, ours: unknown, path = ''): string[] {
  const [one, other] = [typeOf(docker), typeOf(ours)]
  if (one === 'null' || other === 'null') {
    return [one, other].every((type) => ['null', 'list', 'object'].includes(type)) ? [] : [`${path}: ${one}, not ${other}`]
  }
  if (one !== other) return [`${path}: ${one}, not ${other}`]
  if (one === 'list') {
    const [[first], [second]] = [docker as unknown[], ours as unknown[]]
    return first === undefined || second === undefined ? [] : differences(first, second, `${path}[]`)
  }
  if (one !== 'object' || MAPS.includes(path.split('.').at(-1) as string)) return []
  const [theirs, own] = [docker as Record<string, unknown>, ours as Record<string, unknown>]
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(own)])].sort()
  return names.flatMap((name) => {
    const at = `${path}.${name}`
    if (!Object.hasOwn(own, name)) return [`${at}: lacks`]
    if (!Object.hasOwn(theirs, name)) return [`${at}: more`]
    return differences(theirs[name], own[name], at)
  })
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

const byName = (list: unknown, name: string) => (list as { Name: string }[]).find(({ Name }) => Name === name)
const tagged = (list: unknown, tag: string) => (list as { RepoTags: string[] }[]).find(({ RepoTags }) => RepoTags.includes(tag))

describe('the same members as Docker’s, with the same types, of', () => {
  test('images: listed, each alone, and how it was made', async () => {
    const all = { all: false, digests: false, sharedSize: false, filters: new Map() }
    const [theirs, own] = [await ask('GET', '/images/json'), await engine.images.list(all)]
    for (const tag of ['raft:two', 'raft:three']) expect(differences(tagged(theirs, tag), tagged(own, tag))).toEqual([])
    const alone = async (name: string) => differences(await ask('GET', `/images/${name}/json`), await engine.images.inspect(name))
    // Of an image that was not committed, Docker's old member says nothing.
    expect(await alone('raft')).toEqual(['.ContainerConfig.ExposedPorts: more'])
    expect(await alone('raft:three')).toEqual([])
    for (const name of ['raft', 'raft:three'])
      expect(differences(await ask('GET', `/images/${name}/history`), await engine.images.history(name))).toEqual([])
  })

  test('networks: listed, and each alone; EnableIPv4 came later', async () => {
    const [theirs, own] = [await ask('GET', '/networks'), await engine.networks.list(new Map())]
    for (const name of ['host', 'none']) expect(differences(byName(theirs, name), byName(own, name))).toEqual(['.EnableIPv4: more'])
    await engine.networks.create(NETWORK)
    await ask('POST', '/networks/create', NETWORK)
    expect(differences(await ask('GET', '/networks/sea'), await engine.networks.inspect('sea'))).toEqual(['.EnableIPv4: more'])
    await ask('DELETE', '/networks/sea')
  })

  test('volumes: listed, and each alone', async () => {
    const [theirs, own] = [await ask('GET', '/volumes'), await engine.volumes.list(new Map())]
    expect(differences(theirs, own)).toEqual([])
    expect(differences(await ask('GET', '/volumes/cargo'), await engine.volumes.inspect('cargo'))).toEqual([])
  })

  test('the engine: its version', async () => {
    expect(differences(await ask('GET', '/version'), await engine.system.version())).toEqual([])
  })

  test('the engine and its machine; what is less is gone from Docker too, what is more came later', async () => {
    expect(differences(await ask('GET', '/info'), await engine.system.info())).toEqual(['.CDISpecDirs: more', '.KernelMemory: lacks'])
  })

  test('how much room all takes; of containers, what came later', async () => {
    const [theirs, own] = [await ask('GET', '/system/df'), await engine.system.diskUsage([])]
    const found = differences(theirs, own)
    expect(found.filter((one) => !one.startsWith('.Containers[]'))).toEqual([])
    expect(found.filter((one) => one.endsWith(': lacks'))).toEqual([])
  })
})
