/** Builds of an engine by its own calls: contexts that would lead out, clients that go away, files of the web, several at once. */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { BuildRequest } from '../../lib/engine/build/types.js'
import type { Engine } from '../../lib/engine/index.js'
import { TAR_END, type TarInput, tarHeader, tarPadding } from '../../lib/image/tar/index.js'
import { enginePlace, type Place } from '../support/engine.js'
import { chunked, layerTar } from '../support/images.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
let server: Server
let url: string

const REMOTE = layerTar({ Dockerfile: 'FROM box\nCOPY note /\nRUN cat /note\n', note: 'noted\n' })
const SERVED: Readonly<Record<string, readonly [type: string, body: Buffer]>> = {
  '/context.tgz': ['application/gzip', gzipSync(REMOTE)],
  '/Dockerfile': ['text/plain', Buffer.from('FROM box\nRUN echo remote\n')],
  '/page': ['text/html', Buffer.from('<html></html>')],
  '/file': ['application/octet-stream', Buffer.from('a file')],
}

beforeAll(async () => {
  if (process.geteuid?.() !== 0) return
  place = await enginePlace()
  engine = await place.open()
  server = createServer((request, response) => {
    const [type, bytes] = SERVED[request.url ?? ''] ?? []
    if (!bytes) return response.writeHead(404).end('nothing here')
    return response.writeHead(200, { 'content-type': type, 'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT' }).end(bytes)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server?.close()
  await engine?.close()
  await place?.remove()
})

interface Outcome {
  readonly said: string
  readonly image?: string
  readonly failure?: string
}

const REQUEST: BuildRequest = {
  tags: [],
  buildArgs: {},
  labels: {},
  cacheFrom: [],
  noCache: true,
  pull: false,
  remove: true,
  forceRemove: true,
  hostConfig: { NetworkMode: 'none' },
}

/** To its end; what it has said is told with it. */
async function build(
  archive: Buffer | AsyncIterable<Uint8Array>,
  more: Partial<BuildRequest> = {},
  { signal = new AbortController().signal, onSay }: { signal?: AbortSignal; onSay?: (text: string) => Promise<void> | void } = {},
): Promise<Outcome> {
  let said = ''
  const say = (text: string) => {
    said += text
    return onSay?.(text) ?? undefined
  }
  const output = { say, complain: say, onProgress: () => undefined, tell: () => undefined, signal }
  try {
    const image = await engine.builds.build({ ...REQUEST, ...more }, Buffer.isBuffer(archive) ? chunked(archive) : archive, output)
    return { said, image }
  } catch (error) {
    return { said, failure: (error as Error).message }
  }
}

const dockerfile = (text: string, files: Readonly<Record<string, string>> = {}): Buffer =>
  layerTar({ Dockerfile: `FROM box\n${text}`, ...files })

function entry(more: Partial<TarInput> & Pick<TarInput, 'path' | 'type'>, content = ''): Buffer {
  const bytes = Buffer.from(content)
  const header = tarHeader({ mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, size: bytes.length, ...more })
  return Buffer.concat([header, bytes, tarPadding(bytes.length)])
}

/** Nothing that a build has had in hand is on disk, and no container of it is there. */
async function nothingLeft(): Promise<void> {
  expect(readdirSync(join(place.root, 'overlay')).filter((name) => name.startsWith('.'))).toEqual([])
  expect(await engine.containers.list({ all: true, filters: new Map(), size: false })).toEqual([])
}

describe('a context', () => {
  test.each([
    ['by a link', 'COPY out /x', { 'out -> /etc/hostname': '' }],
    ['by a link to a directory', 'COPY out/hostname /x', { 'out -> /etc': '' }],
    ['by a link upwards', 'COPY out /x', { 'out -> ../../../../../../etc/hostname': '' }],
    ['by links in links', 'COPY a/b/hostname /x', { 'a -> c': '', 'c/': '', 'c/b -> ../../../../etc': '' }],
    ['by its words', 'COPY ../../../etc/hostname /x', {}],
    ['by proc', 'COPY out /x', { 'out -> /proc/self/environ': '' }],
    ['in an ADD', 'ADD out /x', { 'out -> /etc/hostname': '' }],
  ])('does not lead out of itself %s', async (_, text, files) => {
    const { failure } = await build(dockerfile(text, files))
    expect(failure).toMatch(/not found in build context|forbidden path outside the build context/)
    await nothingLeft()
  })

  test('has links that stay what they are, and lead nowhere else in the image', async () => {
    const { said, failure } = await build(
      dockerfile('COPY . /all/\nRUN readlink /all/out; cat /all/out 2>&1; true', { 'out -> /etc/nosuchfile': '' }),
    )
    expect(failure).toBeUndefined()
    expect(said).toContain('/etc/nosuchfile\n')
    expect(said).toMatch(/can't open '\/all\/out'/)
  })

  test('is unpacked nowhere else', async () => {
    const whole = (...entries: Buffer[]) =>
      Buffer.concat([entry({ path: Buffer.from('Dockerfile'), type: 'file' }, 'FROM box\n'), ...entries, TAR_END])
    for (const archive of [
      whole(entry({ path: Buffer.from('../out'), type: 'file' }, 'x')),
      whole(entry({ path: Buffer.from('hard'), type: 'hardlink', linkPath: Buffer.from('../../../../etc/passwd') })),
    ]) {
      expect((await build(archive)).failure).toMatch(/outside of the directory/)
    }
    const through = whole(
      entry({ path: Buffer.from('link'), type: 'symlink', linkPath: Buffer.from('/') }),
      entry({ path: Buffer.from('link/escaped'), type: 'file' }, 'x'),
    )
    // The root that the link leads to is the context's own.
    expect((await build(through)).failure).toBeUndefined()
    await nothingLeft()
  })

  test.each([
    ['is no archive', Buffer.alloc(2048, 'x'), /should be a file's header|no tar archive/],
    ['ends too early', layerTar({ a: 'x'.repeat(5000) }).subarray(0, 1500), /ends/],
    ['is empty', Buffer.alloc(0), /Cannot locate specified Dockerfile: Dockerfile/],
    ['has another name for it', layerTar({ other: '' }), /Cannot locate specified Dockerfile: Dockerfile/],
  ])('that %s is refused', async (_, archive, why) => {
    expect((await build(archive)).failure).toMatch(why)
    await nothingLeft()
  })

  test('of the web is fetched, or a Dockerfile alone', async () => {
    expect((await build(Buffer.alloc(0), { remote: `${url}/context.tgz` })).said).toContain('noted\n')
    expect((await build(Buffer.alloc(0), { remote: `${url}/Dockerfile` })).said).toContain('remote\n')
    const refused = async (remote: string) => (await build(Buffer.alloc(0), { remote })).failure
    expect(await refused(`${url}/page`)).toMatch(/unsupported Content-Type "text\/html"/)
    expect(await refused(`${url}/nosuch`)).toBe(`failed to GET ${url}/nosuch with status 404 Not Found: nothing here`)
    expect(await refused('git://127.0.0.1/x')).toMatch(/contexts of git are not fetched/)
    expect(await refused('nonsense')).toBe('remoteURL (nonsense) could not be recognized as URL')
    await nothingLeft()
  })
})

test('what is copied into a layer follows links of the image to the image alone', async () => {
  const text = [
    'RUN mkdir /in && ln -s / /in/root && ln -s ../../../../../.. /in/up',
    'COPY a /in/root/tmp/one',
    'COPY a /in/up/two',
    'RUN ls /tmp/one /two',
  ]
  const { said, failure } = await build(dockerfile(text.join('\n'), { a: 'a' }))
  expect(failure).toBeUndefined()
  expect(said).toContain('/tmp/one\n/two\n')
})

test('a file of the web has the name, the mode and the time that it should', async () => {
  const { said } = await build(dockerfile(`ADD ${url}/file /got/\nRUN stat -c "%n %a %Y" /got/file`))
  expect(said).toContain('/got/file 600 1000000000\n')
  expect((await build(dockerfile(`ADD ${url}/nosuch /got/`))).failure).toMatch(/^ADD failed: failed to GET .*404/)
})

test('a client that goes ends what runs, and leaves nothing', async () => {
  const gone = new AbortController()
  const { failure, said } = await build(
    dockerfile('RUN echo begun; sleep 1000\nRUN echo never\n'),
    { forceRemove: false, remove: false },
    { signal: gone.signal, onSay: (text) => (text === 'begun\n' ? gone.abort() : undefined) },
  )
  expect(failure).toMatch(/abort/)
  expect(said).not.toContain('never')
  await nothingLeft()
})

test('a client that goes while it sends leaves nothing', async () => {
  const archive = dockerfile('RUN true\n', { big: 'x'.repeat(100_000) })
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield archive.subarray(0, 50_000)
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
  }
  expect((await build(broken())).failure).toBe('aborted')
  await nothingLeft()
})

const CACHED = { buildArgs: { n: '4' }, noCache: false }

test('several builds at once, of one base and with one cache', async () => {
  const text = 'RUN echo one > /one\nCOPY a /a\nARG n\nRUN echo "$n" > /n && cat /n\n'
  const outcomes = await Promise.all(
    ['1', '2', '3'].map((n) => build(dockerfile(text, { a: 'a' }), { buildArgs: { n }, noCache: false, tags: [`made:${n}`] })),
  )
  for (const [index, { said, failure }] of outcomes.entries()) {
    expect(failure).toBeUndefined()
    expect(said).toContain(`\n${index + 1}\n`)
    expect(said).toContain(`Successfully tagged made:${index + 1}\n`)
  }
  // Each has made its own; the youngest is what a later one goes on from.
  const [once, again] = [await build(dockerfile(text, { a: 'a' }), CACHED), await build(dockerfile(text, { a: 'a' }), CACHED)]
  expect(again.said.match(/Using cache/g)).toHaveLength(4)
  expect(again.image).toBe(once.image)
  await nothingLeft()
})

test('its images are taken away by nobody while it lasts, named or not, used by a container or not', async () => {
  const text = 'RUN echo kept > /kept\nENV A=1\nFROM box\nRUN echo now\nCOPY --from=0 /kept /kept\nRUN cat /kept\n'
  const base = ((await engine.images.inspect('box')) as { Id: string }).Id
  const ids = async () =>
    (await engine.images.list({ all: true, digests: false, filters: new Map(), sharedSize: false })).map(({ Id }) => String(Id))
  const rid = async () => {
    const { ImagesDeleted } = await engine.images.prune(new Map([['dangling', ['true']]]))
    const words = (await ids()).filter((id) => id !== base)
    const answers = words.map((word) => engine.images.remove(word, { force: true, prune: true }).catch((error: Error) => error.message))
    return { ImagesDeleted, answers: await Promise.all(answers) }
  }
  await rid()
  const attempts: Awaited<ReturnType<typeof rid>>[] = []
  // What the command has said is not taken until this is done.
  const onSay = (said: string) => (said === 'now\n' ? rid().then((attempt) => void attempts.push(attempt)) : undefined)
  for (const noCache of [true, false]) {
    const { said, failure } = await build(dockerfile(text), { noCache }, { onSay })
    expect([failure, said.match(/Using cache/g)?.length ?? 0]).toEqual([undefined, noCache ? 0 : 5])
  }
  expect(attempts).toHaveLength(1)
  const { ImagesDeleted, answers } = attempts[0] as (typeof attempts)[number]
  expect(ImagesDeleted).toBeNull()
  expect(answers).toContainEqual(expect.stringMatching(/cannot be forced\) - image is being used by a build$/))
  expect(answers.every((answer) => /has dependent child images|used by/.test(String(answer)))).toBe(true)
  // Now that it is done they are like others.
  await rid()
  expect(await ids()).toEqual([base])
  await nothingLeft()
})

test('another content, mode or name is another layer; another time is not', async () => {
  const made = async (more: Partial<TarInput>, content = 'x') => {
    const archive = Buffer.concat([
      entry({ path: Buffer.from('Dockerfile'), type: 'file' }, 'FROM box\nCOPY d /d/\n'),
      entry({ path: Buffer.from('d'), type: 'directory', mode: 0o755 }),
      entry({ path: Buffer.from('d/f'), type: 'file', ...more }, content),
      TAR_END,
    ])
    return (await build(archive, { noCache: false })).image
  }
  const first = await made({})
  expect(await made({ mtime: { seconds: 5, nanoseconds: 0 } })).toBe(first)
  const others = [await made({}, 'y'), await made({ mode: 0o600 }), await made({ path: Buffer.from('d/g') }), await made({ uid: 7 })]
  expect(new Set([first, ...others]).size).toBe(5)
})
