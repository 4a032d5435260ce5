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

const PART = fc.oneof(
  fc.constantFrom(
    '/',
    ':',
    '..',
    '.',
    '//',
    '/etc',
    'ro',
    'rslave',
    '0.0.0.0',
    '[::]',
    '127.0.0.1',
    '22',
    '80',
    '1-65535',
    '/tcp',
    '/udp',
    '\0',
    '\n',
    '~',
    '$HOME',
    'type=bind,src=/',
  ),
  fc.string({ maxLength: 8 }),
)
/** Anything, and much that is nearly what an option takes. */
const words = fc.array(
  fc.array(PART, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
  { minLength: 1, maxLength: 3 },
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
    fc.property(words, (volumes) => {
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
    fc.property(words, (exposedPorts) => {
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
    fc.property(words, words, (env, [user = '', workingDir = '/']) => {
      const spec = answerOf(() => specOf({ env, user, workingDir }))
      expect(spec?.mounts ?? []).toEqual([])
      expect(spec?.sharing).toBeUndefined()
      expect(spec?.security.privileged ?? false).toBe(false)
    }),
  )
})
