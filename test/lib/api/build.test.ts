/** POST /build: what is asked of the engine, and what is told of it. */
import { describe, expect, test } from 'vitest'
import { CommandFailed } from '../../../lib/engine/build/failure.js'
import type { BuildOutput, BuildRequest } from '../../../lib/engine/build/types.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { testApi } from '../../support/api.js'

type Act = (request: BuildRequest, context: AsyncIterable<Uint8Array>, output: BuildOutput) => Promise<string>

/** The answer to one request, and what the engine was asked. */
async function asked(target: string, act: Act = async () => 'sha256:1', headers: Readonly<Record<string, string>> = {}) {
  const requests: BuildRequest[] = []
  const { ask } = await testApi({
    builds: {
      async build(request, context, output) {
        requests.push(request)
        for await (const _ of context);
        return act(request, context, output)
      },
    },
  })
  const answer = await ask(target, {
    method: 'POST',
    body: Buffer.from('archive'),
    headers: { 'Content-Type': 'application/x-tar', ...headers },
  })
  return { request: requests[0], status: answer.status, text: answer.text }
}

const query = (words: Readonly<Record<string, string>>) => `?${new URLSearchParams(words)}`

describe('what is asked', () => {
  test('is nothing much, when nothing is said', async () => {
    const { request, status } = await asked('/build')
    expect(status).toBe(200)
    expect(request).toEqual({
      tags: [],
      buildArgs: {},
      labels: {},
      cacheFrom: [],
      noCache: false,
      pull: false,
      remove: true,
      forceRemove: false,
      hostConfig: {},
    })
  })

  test('is each parameter', async () => {
    const words = {
      dockerfile: 'sub/D',
      remote: 'http://x/y',
      target: 'last',
      platform: 'linux/arm64',
      buildargs: '{"a":"1","b":null}',
      labels: '{"l":"v"}',
      cachefrom: '["x"]',
      ulimits: '[{"Name":"nofile","Soft":1,"Hard":2}]',
      memory: '6',
      memswap: '-1',
      cpushares: '2',
      shmsize: '3',
      cpusetcpus: '0',
      networkmode: 'none',
      nocache: '1',
      pull: '1',
      rm: '0',
    }
    const auths = Buffer.from('{"r:5000":{"username":"u"}}').toString('base64')
    const target = `/build${query(words)}&t=a&t=b:c&extrahosts=x:1.2.3.4`
    const { request } = await asked(target, undefined, { 'X-Registry-Config': auths })
    expect(request).toEqual({
      tags: ['a', 'b:c'],
      dockerfile: 'sub/D',
      remote: 'http://x/y',
      target: 'last',
      platform: 'linux/arm64',
      buildArgs: { a: '1', b: null },
      labels: { l: 'v' },
      cacheFrom: ['x'],
      noCache: true,
      pull: true,
      remove: false,
      forceRemove: false,
      hostConfig: {
        Memory: 6,
        MemorySwap: -1,
        CpuShares: 2,
        ShmSize: 3,
        CpusetCpus: '0',
        NetworkMode: 'none',
        ExtraHosts: ['x:1.2.3.4'],
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
      },
      auths: { 'r:5000': { username: 'u' } },
    })
    expect((await asked('/v1.31/build?platform=linux/arm64&forcerm=1&rm=0')).request).toMatchObject({ remove: true, forceRemove: true })
    expect((await asked('/v1.31/build?platform=linux/arm64')).request).not.toHaveProperty('platform')
  })

  test.each([
    ['version=2', /no BuildKit/],
    ['version=7', /^invalid version 7$/],
    ['squash=1', /^squash is only supported with experimental mode$/],
    ['securityopt=x', /does not support setting security options/],
    ['isolation=x', /^Unsupported isolation: "x"$/],
    ['buildargs=x', /^error reading build args: /],
    ['buildargs={"a":1}', /^error reading build args: /],
    ['labels=[]', /^error reading labels: /],
    ['labels={"a":null}', /^error reading labels: /],
    ['cachefrom={}', /^error reading cache sources: /],
    ['ulimits=[1]', /^error reading ulimit settings: /],
    ['memory=x', /memory/],
  ])('%s is refused', async (words, why) => {
    const { status, text, request } = await asked(`/build?${words}`)
    expect([status, request]).toEqual([400, undefined])
    expect(JSON.parse(text).message).toMatch(why)
  })
})

describe('what is told', () => {
  const act: Act = async (_, __, output) => {
    output.say('Step 1/1 : FROM x')
    output.complain('red\n')
    output.tell({ ID: 'sha256:2' })
    output.onProgress({ status: 'Pulling' })
    return 'sha256:2'
  }

  test('comes in documents, one a line', async () => {
    const { text } = await asked('/build', act)
    expect(
      text
        .split('\r\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toEqual([{ stream: 'Step 1/1 : FROM x' }, { stream: '\u001b[91mred\n\u001b[0m' }, { aux: { ID: 'sha256:2' } }, { status: 'Pulling' }])
    expect((await asked('/v1.29/build', act)).text).not.toContain('aux')
  })

  test('is the id alone, when it is to be quiet; and all, when it goes wrong', async () => {
    expect((await asked('/build?q=1', act)).text).toBe('{"stream":"sha256:2\\n"}\r\n')
    const failed = await asked('/build?q=1', async (...all) => {
      await act(...all)
      throw new CommandFailed(['a', 'b'], 7)
    })
    expect(failed.text).toContain('Step 1/1')
    expect(JSON.parse(failed.text.trim().split('\r\n').at(-1) as string)).toEqual({
      errorDetail: { code: 7, message: "The command 'a b' returned a non-zero code: 7" },
      error: "The command 'a b' returned a non-zero code: 7",
    })
  })

  test('is a status, when nothing was told before', async () => {
    const { status, text } = await asked('/build', () =>
      Promise.reject(new DrydockError('dockerfile parse error line 3: x', { status: 400 })),
    )
    expect([status, JSON.parse(text)]).toEqual([400, { message: 'dockerfile parse error line 3: x' }])
  })
})

test('there is no cache beside the images, and no build by an id', async () => {
  const { ask } = await testApi({ builds: { prune: async () => ({ CachesDeleted: null, SpaceReclaimed: 0 }) } })
  expect((await ask('/build/prune?filters=', { method: 'POST' })).json()).toEqual({ CachesDeleted: null, SpaceReclaimed: 0 })
  expect((await ask('/build/cancel', { method: 'POST' })).status).toBe(400)
  expect((await ask('/build/cancel?id=x', { method: 'POST' })).status).toBe(501)
})
