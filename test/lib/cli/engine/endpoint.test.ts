import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GlobalFlags, resolveEndpoint } from '../../../../lib/cli/engine/endpoint.js'

let home = ''

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'endpoint-'))
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(home, `${name}.pem`), name)
  const context = (name: string, docker: object) => {
    const directory = join(home, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'))
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker } }))
  }
  context('far', { Host: 'tcp://far:2376', SkipTLSVerify: true })
  context('near', { Host: 'unix:///near.sock' })
  context('empty', {})
})

afterAll(() => rmSync(home, { recursive: true }))

const resolve = (flags: Partial<GlobalFlags>, environment: Record<string, string> = {}) =>
  resolveEndpoint({ host: [], ...flags }, { DOCKER_CONFIG: home, ...environment })

test('nothing said is one’s own engine, which may be started', async () => {
  expect(await resolve({})).toMatchObject({ own: true, host: { kind: 'unix' } })
  expect(await resolve({}, { DOCKER_HOST: '' })).toMatchObject({ own: true })
})

test('-H counts more than DOCKER_HOST, and --context more than that; two of them are one too many', async () => {
  expect(await resolve({ host: ['tcp://a'] }, { DOCKER_HOST: 'tcp://b' })).toMatchObject({ own: false, host: { host: 'a' } })
  expect(await resolve({}, { DOCKER_HOST: 'tcp://b', DOCKER_CONTEXT: 'near' })).toMatchObject({ host: { host: 'b' } })
  expect(await resolve({ context: 'near' }, { DOCKER_HOST: 'tcp://b' })).toMatchObject({ host: { path: '/near.sock' } })
  expect(await resolve({ context: 'default' }, { DOCKER_HOST: 'tcp://b' })).toMatchObject({ host: { host: 'b' } })
  expect(await resolve({}, { DOCKER_CONTEXT: 'far' })).toMatchObject({ host: { host: 'far' }, tls: { verify: false } })
  await expect(resolve({ host: ['a', 'b'] })).rejects.toThrow('Specify only one -H')
  await expect(resolve({ host: ['a'], context: 'near' })).rejects.toThrow('cannot specify both --host and --context')
  await expect(resolve({ context: 'nowhere' })).rejects.toThrow(/^context "nowhere": context not found: /)
  await expect(resolve({ context: 'empty' })).rejects.toThrow('names no engine')
})

test('TLS: asked for by flag or variable, with files from one place or named one by one; not for sockets', async () => {
  const files = { ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key') }
  expect(await resolve({ host: ['tcp://a'], tlsverify: true })).toEqual({
    own: false,
    host: { kind: 'tcp', host: 'a', port: 2376, path: '' },
    tls: { ...files, verify: true },
  })
  expect((await resolve({ host: ['tcp://a'] }, { DOCKER_TLS_VERIFY: '1' })).tls).toEqual({ ...files, verify: true })
  expect((await resolve({ host: ['tcp://a'], tls: true })).tls).toEqual({ cert: files.cert, key: files.key, verify: false })
  expect((await resolve({ host: ['tcp://a'], tlsverify: true, tlscacert: join(home, 'key.pem') })).tls?.ca).toEqual(files.key)
  expect((await resolve({ host: ['tcp://a'] })).tls).toBeUndefined()
  expect((await resolve({ host: ['unix:///x'], tlsverify: true })).tls).toBeUndefined()
  await expect(resolve({ host: ['tcp://a'], tlsverify: true }, { DOCKER_CERT_PATH: '/nowhere' })).rejects.toThrow(
    'unable to resolve docker endpoint: open /nowhere/ca.pem: no such file or directory',
  )
})
