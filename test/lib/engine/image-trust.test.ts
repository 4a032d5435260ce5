/** Whatever an image's configuration says: of the host it names nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBody, requestedRecord } from '../../../lib/engine/request/index.js'
import { parsePort } from '../../../lib/network/ports.js'
import { answerOf, fc } from '../../support/properties.js'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-image-trust-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Parts of what an option takes, and anything. */
const parts = (...usual: string[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, fc.string({ maxLength: 8 }))
const listOf = (word: fc.Arbitrary<string>) => fc.array(word, { minLength: 1, maxLength: 3 })
const joined = (...some: fc.Arbitrary<string>[]) =>
  fc.tuple(...some).chain((all) => fc.integer({ min: 0, max: all.length - 1 }).map((first) => all.slice(first).join(':')))

const PATH = parts('/', '/etc', '/etc/../root', '//', '..', '.', 'named', '~', '$HOME', 'type=bind,src=/')
const PORT = parts('22', '80', '8000-8010', '0', '65535', '99999')
const volumeWords = listOf(joined(PATH, PATH, parts('ro', 'rslave', 'z', 'nocopy')))
const portWords = listOf(
  fc.tuple(joined(parts('0.0.0.0', '127.0.0.1', '[::]', ''), PORT, PORT), parts('/tcp', '/udp', '')).map((all) => all.join('')),
)

const specOf = (said: object) => {
  const image = {
    name: 'box',
    layers: ['/layer'],
    env: [],
    entrypoint: [],
    cmd: ['sh'],
    workingDir: '/',
    user: '',
    exposedPorts: [],
    ...said,
  }
  const recordOf = (word: string): never => {
    throw new Error(`asked for ${word}`)
  }
  const body = readBody({ Image: 'box', HostConfig: { PublishAllPorts: true } })
  return requestedRecord(body, { dataRoot: root, image, rootless: false, ruleless: false, recordOf }).record.spec
}

test('volumes are new ones, at places inside', () => {
  let made = 0
  fc.assert(
    fc.property(volumeWords, (volumes) => {
      for (const mount of answerOf(() => specOf({ volumes }))?.mounts ?? []) {
        expect(mount).toMatchObject({ kind: 'bind', source: expect.stringMatching(new RegExp(`^${root}/volumes/[0-9a-f]{64}/_data$`)) })
        expect(mount.target).toMatch(/^\//)
        expect(mount.target.split('/')).not.toContain('..')
        made++
      }
    }),
  )
  expect(made, 'some are taken').toBeGreaterThan(0)
})

test('exposed ports are published where the kernel likes', () => {
  let made = 0
  fc.assert(
    fc.property(portWords, (exposedPorts) => {
      const network = answerOf(() => specOf({ exposedPorts }))?.network
      const asked = network?.kind === 'networks' ? network.ports.flatMap((text) => answerOf(() => parsePort(text)) ?? []) : []
      for (const { hostIp, hostPort } of asked) {
        expect([hostIp, hostPort]).toEqual(['', undefined])
        made++
      }
    }),
  )
  expect(made, 'some are taken').toBeGreaterThan(0)
})

test('and nothing else of it comes from outside', () => {
  fc.assert(
    fc.property(listOf(PATH), listOf(PATH), (env, [user = '', workingDir = '/']) => {
      const spec = answerOf(() => specOf({ env, user, workingDir }))
      expect(spec?.mounts ?? []).toEqual([])
      expect(spec?.sharing).toBeUndefined()
      expect(spec?.security.privileged ?? false).toBe(false)
    }),
  )
})
