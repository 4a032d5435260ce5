/** Images of an engine: from registries and archives, listed, removed, committed, with what is told of it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import type { Document, RegistryAuth, Transfer } from '../../lib/engine/types.js'
import type { Progress } from '../../lib/image/progress.js'
import { body, enginePlace, type Place } from '../support/engine.js'
import { eventsOf, lineOf } from '../support/engine-events.js'
import { gzipped, layerTar } from '../support/images.js'
import { collect } from '../support/registry-client.js'
import { bearerAuth, RegistryServer } from '../support/registry-server.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
let server: RegistryServer
let closed: RegistryServer
const MATE: RegistryAuth = { username: 'mate', password: 'harbour' }

beforeAll(async () => {
  if (process.geteuid?.() !== 0) return
  place = await enginePlace(['LABEL deck=upper'])
  engine = await place.open()
  server = await RegistryServer.start()
  closed = await RegistryServer.start({ auth: bearerAuth({ user: 'mate', password: 'harbour' }) })
})
afterAll(async () => {
  await engine?.close()
  await server?.stop()
  await closed?.stop()
  await place?.remove()
})

const NONE = new Map<string, readonly string[]>()
const filters = (all: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(all))
const listAll = (some: Parameters<Engine['images']['list']>[0]['filters'] = NONE, more: object = {}) =>
  engine.images.list({ all: false, digests: false, sharedSize: false, filters: some, ...more })

function transfer(auth?: RegistryAuth): Transfer & { readonly said: Progress[] } {
  const said: Progress[] = []
  return { said, onProgress: (one) => said.push(one), signal: new AbortController().signal, ...(auth && { auth }) }
}

const failure = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => 'done',
    ({ status, message }: { status: number; message: string }) => [status, message],
  )

describe('with a registry', () => {
  test('a pull says what docker says, and is an event; the image is listed and told', async () => {
    const served = server.image('fleet/tug', 'v1', {
      ...gzipped([layerTar({ 'a/': '', 'a/file': 'cargo' })]),
      config: { created: '2024-01-02T03:04:05Z', config: { Labels: { deck: 'lower' }, Cmd: ['sail'] }, history: [{ created_by: 'COPY' }] },
    })
    const name = `${server.host}/fleet/tug`
    const pulling = transfer()
    const events = await eventsOf(engine, () => engine.images.pull({ image: name, tag: 'v1' }, pulling))
    expect(pulling.said[0]).toEqual({ status: 'Pulling from fleet/tug', id: 'v1' })
    expect(pulling.said.at(-1)).toEqual({ status: `Status: Downloaded newer image for ${name}:v1` })
    expect(events).toMatchObject([
      { Type: 'image', Action: 'pull', Actor: { ID: `${name}:v1`, Attributes: { name, deck: 'lower' } }, status: 'pull', id: `${name}:v1` },
    ])
    const [found] = await listAll(filters({ reference: [name] }))
    expect(found).toEqual({
      Containers: -1,
      Created: 1704164645,
      Id: served.config.digest,
      Labels: { deck: 'lower' },
      ParentId: '',
      RepoDigests: [`${name}@${served.descriptor.digest}`],
      RepoTags: [`${name}:v1`],
      SharedSize: -1,
      Size: 5,
      VirtualSize: 5,
    })
    expect(await engine.images.inspect(`${name}:v1`)).toMatchObject({
      Id: served.config.digest,
      RepoTags: [`${name}:v1`],
      Config: { Cmd: ['sail'], Labels: { deck: 'lower' } },
      ContainerConfig: { Volumes: null, Cmd: ['sail'] },
      Metadata: { LastTagTime: expect.stringMatching(/^20/) },
    })
    expect(await engine.images.history(`${name}:v1`)).toEqual([
      { Comment: '', Created: -62135596800, CreatedBy: 'COPY', Id: served.config.digest, Size: 5, Tags: [`${name}:v1`] },
    ])
  })

  test('what is not there is told as docker tells it, before anything is said', async () => {
    const silent = transfer()
    expect(await failure(engine.images.pull({ image: `${server.host}/fleet/tug`, tag: 'nope' }, silent))).toEqual([
      404,
      `manifest for ${server.host}/fleet/tug:nope not found: manifest unknown: manifest unknown`,
    ])
    expect(await failure(engine.images.pull({ image: '127.0.0.1:1/tug', tag: 'v1' }, silent))).toEqual([
      500,
      'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    ])
    expect(await failure(engine.images.pull({ image: 'Tug', tag: 'v1' }, silent))).toEqual([
      400,
      'invalid reference format: repository name (library/Tug) must be lowercase',
    ])
    expect(silent.said).toEqual([])
  })

  test('a repository alone is all of its tags; a digest is one image', async () => {
    const { descriptor } = server.image('fleet/ferry', 'a', { layers: [layerTar({ file: 'a' })] })
    server.image('fleet/ferry', 'b', { layers: [layerTar({ file: 'b' })] })
    await engine.images.pull({ image: `${server.host}/fleet/ferry`, tag: descriptor.digest }, transfer())
    expect(await listAll(filters({ reference: [`${server.host}/fleet/ferry:*`] }))).toEqual([])
    await engine.images.pull({ image: `${server.host}/fleet/ferry` }, transfer())
    expect(await listAll(filters({ reference: [`${server.host}/fleet/ferry:*`] }))).toHaveLength(2)
  })

  test('credentials come with the request, and with no other', async () => {
    closed.image('fleet/barge', 'latest', { layers: [layerTar({ file: 'secret' })] })
    const image = `${closed.host}/fleet/barge`
    expect(await failure(engine.images.pull({ image, tag: 'latest' }, transfer({})))).toEqual([
      500,
      expect.stringContaining('unauthorized: '),
    ])
    await engine.images.pull({ image, tag: 'latest' }, transfer(MATE))
    expect(await engine.system.login({ ...MATE, serveraddress: closed.host })).toEqual({ Status: 'Login Succeeded', IdentityToken: '' })
    expect(await failure(engine.system.login({ ...MATE, password: 'wrong', serveraddress: closed.host }))).toEqual([
      401,
      expect.stringContaining('unauthorized'),
    ])
    expect(await failure(engine.system.login({ serveraddress: closed.host }))).toEqual([400, expect.any(String)])
  })

  test('a push tells what was pushed; what the registry then has for whom is its distribution', async () => {
    const name = `${server.host}/harbour/box`
    await engine.images.tag('box', name, 'v2')
    const pushing = transfer({})
    let aux: Document | undefined
    const events = await eventsOf(engine, async () => {
      aux = await engine.images.push(name, { tag: 'v2' }, pushing)
    })
    expect(events.map(lineOf)).toEqual([`image push ${name}`])
    expect(pushing.said[0]).toEqual({ status: `The push refers to repository [${name}]` })
    const { bytes } = server.manifests.get('harbour/box')?.get('v2') ?? { bytes: Buffer.alloc(0) }
    expect(aux).toEqual({ Tag: 'v2', Digest: expect.stringMatching(/^sha256:/), Size: bytes.length })
    expect(await engine.images.distribution(`${name}:v2`)).toEqual({
      Descriptor: { mediaType: expect.stringContaining('manifest'), digest: aux?.Digest, size: bytes.length },
      Platforms: [expect.objectContaining({ os: 'linux' })],
    })
    expect(await failure(engine.images.push('nosuch', { tag: 'x' }, transfer({})))).toEqual([
      404,
      'An image does not exist locally with the tag: nosuch',
    ])
    expect(await failure(engine.images.push(name, { tag: aux?.Digest as string }, transfer({})))).toEqual([
      400,
      'cannot push a digest reference',
    ])
  })

  test('a search asks the index, and the catalogue where there is none', async () => {
    const results = [
      { name: 'tug', description: 'a boat', star_count: 7, is_official: true, is_automated: false },
      { name: 'mate/tug', description: '', star_count: 1, is_official: false, is_automated: false },
    ]
    const asked: string[] = []
    const hub = createServer((request, response) => {
      asked.push(request.url ?? '')
      const known = request.url?.startsWith('/v1/search')
      response.writeHead(known || request.url === '/v2/' ? 200 : 404).end(JSON.stringify({ results }))
    }).listen(0, '127.0.0.1')
    await once(hub, 'listening')
    const at = `127.0.0.1:${(hub.address() as AddressInfo).port}`
    const search = (more: object = {}) => engine.images.search(`${at}/tug`, { filters: NONE, ...more })
    expect(await search({ limit: 2 })).toEqual(results)
    expect(asked.at(-1)).toBe('/v1/search?q=tug&n=2')
    expect(await search({ filters: filters({ stars: ['3'], 'is-official': ['true'] }) })).toEqual([results[0]])
    expect(await failure(search({ limit: 101 }))).toEqual([400, 'limit 101 is outside the range of [1, 100]'])
    hub.close()
    hub.closeAllConnections()
    expect((await engine.images.search(`${server.host}/fleet`, { filters: NONE })).map(({ name }) => name).sort()).toEqual([
      'fleet/ferry',
      'fleet/tug',
    ])
  })
})

describe('archives', () => {
  test('imported from what is sent and from an address, with changes and a name', async () => {
    const tar = layerTar({ 'etc/': '', 'etc/motd': 'ahoy' })
    const web = createServer((_, response) => response.end(tar)).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/root.tar`
    const nothing = Readable.from([])
    const ids: string[] = []
    const events = await eventsOf(engine, async () => {
      const request = { repo: 'raft', tag: 'one', changes: ['CMD ["motd"]'], message: 'by hand' }
      ids.push(await engine.images.import('-', Readable.from([tar]), request, transfer()))
      const fetching = transfer()
      ids.push(await engine.images.import(url.replace('http://', ''), nothing, { changes: [] }, fetching))
      expect(fetching.said[0]).toEqual({ status: `Downloading from ${url}` })
    })
    web.close()
    web.closeAllConnections()
    expect(events.map(lineOf)).toEqual(['image tag raft:one', `image import ${ids[0]}`, `image import ${ids[1]}`])
    expect(await engine.images.inspect('raft:one')).toMatchObject({ Id: ids[0], Comment: 'by hand', Config: { Cmd: ['motd'] } })
    const refused = (source: string, more: object = {}) =>
      failure(engine.images.import(source, nothing, { changes: [], ...more }, transfer()))
    expect(await refused('-', { changes: ['RUN true'] })).toEqual([400, 'run is not a valid change command'])
    expect(await refused('ftp://127.0.0.1/x')).toEqual([400, expect.stringContaining('http://')])
    expect(await refused('http://127.0.0.1:1/x')).toEqual([
      500,
      'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
    ])
    await engine.images.remove('raft:one', { force: false, prune: true })
  })

  test('saved and loaded, with docker’s lines and events', async () => {
    const { Id } = await engine.images.inspect('box')
    const events = await eventsOf(engine, async () => {
      const bytes = await collect(await engine.images.save(['box']))
      const said: string[] = []
      const progress: Progress[] = []
      const load = (quiet: boolean) =>
        engine.images.load(Readable.from([bytes]), {
          quiet,
          say: (line) => said.push(line),
          onProgress: (one) => progress.push(one),
          signal: new AbortController().signal,
        })
      await load(true)
      expect(said).toEqual(['Loaded image: box:latest'])
      expect(progress).toEqual([])
    })
    expect(events.map(lineOf)).toEqual([`image save ${Id}`, `image load ${Id}`])
    expect(await failure(engine.images.save(['nosuch']))).toEqual([404, 'No such image: nosuch:latest'])
  })
})

describe('names and removal', () => {
  test('a name more, a name less, and the reasons why one stays', async () => {
    const { Id } = (await engine.images.inspect('box')) as { Id: string }
    const short = Id.slice(7, 19)
    const added = await eventsOf(engine, () => engine.images.tag('box', 'docker.io/library/crate', 'x'))
    expect(added.map(lineOf)).toEqual(['image tag crate:x'])
    expect(await failure(engine.images.tag('nosuch', 'crate', 'y'))).toEqual([404, 'No such image: nosuch:latest'])
    expect(await failure(engine.images.tag('box', 'CRATE', 'y'))).toEqual([400, expect.stringContaining('must be lowercase')])
    const remove = (name: string, force = false) => engine.images.remove(name, { force, prune: true })
    expect(await failure(remove(short))).toEqual([
      409,
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    ])
    const gone = await eventsOf(engine, async () => {
      expect(await remove('crate:x')).toEqual([{ Untagged: 'crate:x' }])
    })
    expect(gone).toMatchObject([{ Action: 'untag', Actor: { ID: Id, Attributes: { deck: 'upper', name: Id } } }])
  })

  test('what a container uses stays, and its layers too when it is removed by force', async () => {
    await engine.images.import('-', Readable.from([layerTar({ file: 'mine' })]), { repo: 'kept', changes: [] }, transfer())
    const { Id } = (await engine.images.inspect('kept')) as { Id: string }
    const used = await engine.containers.create({ ...body(['sleep', '1000']), Image: 'kept' }, { name: 'user' })
    expect(await failure(engine.images.remove('kept', { force: false, prune: true }))).toEqual([
      409,
      `conflict: unable to remove repository reference "kept" (must force) - container ${used.Id.slice(0, 12)} is using its referenced image ${Id.slice(7, 19)}`,
    ])
    expect(await engine.images.prune(filters({ dangling: ['false'], label: ['none'] }))).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 })
    expect(await engine.images.remove('kept', { force: true, prune: true })).toEqual([{ Untagged: 'kept:latest' }, { Deleted: Id }])
    const { layers } = engine.context.containers.find('user').record.spec.image
    await engine.images.prune(filters({ dangling: ['true'] }))
    expect(engine.context.store.layers.list().map((chain) => engine.context.store.layers.directory(chain))).toEqual(
      expect.arrayContaining([...layers]),
    )
    await engine.containers.remove('user')
    await engine.images.prune(filters({ dangling: ['true'] }))
    const left = new Set(engine.context.store.layers.list().map((chain) => engine.context.store.layers.directory(chain)))
    expect(layers.some((layer) => left.has(layer))).toBe(false)
  })

  test('pruned: nameless ones, and with dangling=false all that no container uses; filters hold', async () => {
    const make = (repo: string | undefined, changes: string[]) =>
      engine.images.import('-', Readable.from([layerTar({ file: repo ?? 'none' })]), { changes, ...(repo && { repo }) }, transfer())
    const nameless = await make(undefined, ['LABEL old=1'])
    await make('buoy', ['LABEL old=2'])
    let answer: Awaited<ReturnType<Engine['images']['prune']>> | undefined
    const events = await eventsOf(engine, async () => {
      answer = await engine.images.prune(filters({ dangling: ['true'], label: ['old=1'] }))
    })
    expect(answer?.ImagesDeleted?.[0]).toEqual({ Deleted: nameless })
    expect(answer?.SpaceReclaimed).toBeGreaterThan(0)
    expect(events.map(({ Action }) => Action)).toEqual(['delete', 'prune'])
    expect(events.at(-1)?.Actor).toEqual({ ID: '', Attributes: { reclaimed: String(answer?.SpaceReclaimed) } })
    expect((await engine.images.prune(filters({ dangling: ['false'], label: ['old'], until: ['1h'] }))).ImagesDeleted).toBeNull()
    expect((await engine.images.prune(filters({ dangling: ['false'], label: ['old'] }))).ImagesDeleted?.[0]).toEqual({
      Untagged: 'buoy:latest',
    })
    expect(await failure(engine.images.prune(filters({ colour: ['red'] })))).toEqual([400, "Invalid filter 'colour'"])
    expect(await failure(listAll(filters({ before: ['nosuch'] })))).toEqual([404, 'No such image: nosuch:latest'])
  })
})

describe('commit', () => {
  test('of a container that runs: it stands meanwhile, and its configuration is merged with what is asked for', async () => {
    const { Id } = await engine.containers.create(body(['sh', '-c', 'echo new > /new; sleep 1000'], { Env: ['A=1', 'B=2'] }), {
      name: 'model',
    })
    await engine.containers.start(Id)
    let made = ''
    const events = await eventsOf(engine, async () => {
      const request = {
        container: 'model',
        repo: 'docker.io/library/img',
        tag: 't',
        comment: 'painted',
        author: 'mate',
        pause: true,
        changes: ['CMD ["sail"]'],
        config: { Env: ['A=3'], Labels: { deck: 'top' }, Cmd: null },
      }
      made = (await engine.images.commit(request)).Id
    })
    expect(events.map(({ Type, Action }) => `${Type} ${Action}`)).toEqual([
      'container pause',
      'image tag',
      'container commit',
      'container unpause',
    ])
    expect(events[2]?.Actor.Attributes).toMatchObject({ comment: 'painted', imageID: made, imageRef: 'img:t', name: 'model', image: 'box' })
    expect(await engine.images.inspect('img:t')).toMatchObject({
      Id: made,
      Comment: 'painted',
      Author: 'mate',
      Config: { Cmd: ['sail'], Env: expect.arrayContaining(['A=3', 'B=2']), Labels: { deck: 'top' } },
    })
    expect(await engine.images.history('img:t')).toMatchObject([
      { Id: made, Comment: 'painted' },
      { Tags: expect.arrayContaining(['box:latest']) },
    ])
    const refused = (more: object) => failure(engine.images.commit({ container: 'model', pause: false, changes: [], ...more }))
    expect(await refused({ container: 'nosuch' })).toEqual([404, 'No such container: nosuch'])
    expect(await refused({ repo: 'IMG' })).toEqual([400, expect.stringContaining('must be lowercase')])
    expect(await refused({ changes: ['FOO'] })).toEqual([400, 'foo is not a valid change command'])
    expect(await refused({ config: { Env: 'A=1' } })).toEqual([400, expect.stringContaining('Env')])
    await engine.containers.remove('model', { force: true })
  })
})
