import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backoff, retryAfter } from '../../../../lib/image/registry/retry.js'
import { bytes, registryClient, SOON } from '../../../support/registry-client.js'
import { faults, RegistryServer } from '../../../support/registry-server.js'

describe('waiting', () => {
  it('doubles, differs, and has an end', () => {
    const patience = { attempts: 9, first: 100, longest: 1000 }
    for (const [attempt, most] of [1, 2, 3, 4, 5, 6].map((one) => [one, Math.min(100 * 2 ** (one - 1), 1000)] as const)) {
      const waits = Array.from({ length: 50 }, () => backoff(attempt, patience))
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(most / 2)
      expect(Math.max(...waits)).toBeLessThanOrEqual(most)
      expect(new Set(waits).size).toBeGreaterThan(10)
    }
  })

  it('is as long as a server asks, in seconds or until a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfter('7', now)).toBe(7000)
    expect(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000)
    expect(retryAfter('Thu, 01 Jan 2020 00:00:30 GMT', now)).toBe(0)
    for (const nonsense of [undefined, '', 'soon', '99999999999999']) expect(retryAfter(nonsense, now)).toBeUndefined()
  })
})

describe('trying again', () => {
  let server: RegistryServer
  beforeEach(async () => {
    server = await RegistryServer.start()
    server.image('fleet/tug', 'latest', { layers: [bytes(10)] })
  })
  afterEach(() => server.stop())
  const client = (options = {}) => registryClient(`${server.host}/fleet/tug`, options)

  it.each([
    ['a server that is busy', faults.status(503)],
    ['one that is asked too much', faults.status(429)],
    ['one that hangs up', faults.hangUp()],
    ['one that says nothing', faults.silence()],
  ])('helps with %s', async (_, fault) => {
    server.misbehave('/manifests/', fault, { times: 2 })
    const waits: string[] = []
    await client({ ...SOON, onWait: ({ why }: { why: string }) => waits.push(why) }).manifest('latest')
    expect(server.asked('GET', '/manifests/')).toHaveLength(3)
    // Not before what is done at once, on another connection.
    expect(waits.length).toBeGreaterThan(0)
  })

  it('is done at once where only a kept connection had been closed', async () => {
    const registry = client({ patience: { attempts: 1, first: 0, longest: 0 } })
    await registry.manifest('latest')
    server.misbehave('/manifests/', faults.hangUp(), { times: 1 })
    await registry.manifest('latest')
    server.misbehave('/manifests/', faults.hangUp())
    await expect(registry.manifest('latest')).rejects.toThrow('unexpected EOF')
  })

  it('ends', async () => {
    server.misbehave('/manifests/', faults.status(503))
    await expect(client().manifest('latest')).rejects.toThrow('received unexpected HTTP status: 503 Service Unavailable')
    expect(server.asked('GET', '/manifests/')).toHaveLength(3)
  })

  it('is not done where it would not help', async () => {
    server.misbehave('/manifests/', faults.status(400))
    await expect(client().manifest('latest')).rejects.toThrow('received unexpected HTTP status: 400 Bad Request')
    expect(server.asked('GET', '/manifests/')).toHaveLength(1)
  })

  it('comes when the server said', async () => {
    server.misbehave('/manifests/', faults.status(429, { 'retry-after': '1' }), { times: 1 })
    const waits: number[] = []
    await client({ onWait: ({ milliseconds }: { milliseconds: number }) => waits.push(milliseconds) }).manifest('latest')
    expect(waits).toEqual([1000])
  })

  it('does not wait for hours, and says what a classroom can do', async () => {
    const body = { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] }
    server.misbehave('/manifests/', faults.status(429, { 'retry-after': '21600' }, body))
    const expected = /^toomanyrequests: You have reached your pull rate limit\. Everybody .*--registry-mirror.*npm run registry/
    await expect(client().manifest('latest')).rejects.toThrow(expected)
    expect(server.asked('GET', '/manifests/')).toHaveLength(1)
  })

  it('does not wait for who is not there, and says it as Docker does', async () => {
    const { host } = server
    await server.stop()
    const waits: string[] = []
    const onWait = ({ why }: { why: string }) => waits.push(why)
    const patience = { attempts: 5, first: 10_000, longest: 10_000 }
    const expected = `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`
    await expect(registryClient(`${host}/fleet/tug`, { patience, onWait }).manifest('latest')).rejects.toThrow(expected)
    expect(waits).toEqual([])
    server = await RegistryServer.start()
  })

  it('does not look for a name that nobody has for long', async () => {
    await expect(registryClient('nobody.invalid/fleet/tug').manifest('latest')).rejects.toThrow(
      /^Get "https:\/\/nobody\.invalid\/v2\/": dial tcp: lookup nobody\.invalid: (no such host|Temporary failure in name resolution)$/,
    )
  })
})
