/** What both sides are told when somebody is not let in: by drydock’s own client, docker’s, and the engine’s log. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeNew } from '../../../lib/tls/files.js'
import { makeSet } from '../../../lib/tls/set.js'
import { testApi } from '../../support/api.js'
import { freePort } from '../../support/fake-engine.js'
import { DRYDOCK } from '../../support/private-host.js'
import { requires } from '../../support/requires.js'

const DAY = 86_400_000
const make = (options: Partial<Parameters<typeof makeSet>[0]> = {}) =>
  makeSet({ hosts: ['127.0.0.1'], days: 1, name: 'test', ...options }).files

let directory: string
const sets = { ours: make(), others: make(), expired: make({ now: new Date(Date.now() - 2 * DAY) }) }
/** Signed by ours, and out of date; with the engine's own in the place of the client's. */
const stale = { ...make({ now: new Date(Date.now() - 2 * DAY) }), 'ca.pem': sets.ours['ca.pem'] as string }
const engines = {
  'ca.pem': sets.ours['ca.pem'],
  'cert.pem': sets.ours['server-cert.pem'],
  'key.pem': sets.ours['server-key.pem'],
} as Record<string, string>
const nobody = { 'ca.pem': sets.ours['ca.pem'] as string }
const strangers = { ...sets.others, 'ca.pem': sets.ours['ca.pem'] as string }
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-refusals-'))
  for (const [name, files] of Object.entries({ ...sets, stale, engines, strangers })) writeNew(join(directory, name), files)
  writeNew(join(directory, 'nobody'), nobody)
})
afterAll(() => rmSync(directory, { recursive: true }))

async function served(files: Record<string, string>) {
  const api = await testApi()
  const port = await freePort()
  const tls = { cert: files['server-cert.pem'] as string, key: files['server-key.pem'] as string, ca: sets.ours['ca.pem'] as string }
  await api.listen({ kind: 'tcp', host: '127.0.0.1', port, tls })
  const options = (name: string, verify: boolean): Options => ({
    reject: false,
    env: {
      DOCKER_HOST: `tcp://127.0.0.1:${port}`,
      DOCKER_CERT_PATH: join(directory, name),
      DOCKER_CONFIG: directory,
      DOCKER_TLS_VERIFY: verify ? '1' : '',
      DOCKER_TLS: '',
      DRYDOCK_ENGINE: '',
    },
  })
  const by =
    (command: string[]) =>
    async (name: string, verify = true) => {
      const { stderr } = await execa(command[0] as string, [...command.slice(1), 'volume', 'inspect', 'x'], options(name, verify))
      return String(stderr)
    }
  return { ...api, by }
}

describe.each([
  ['drydock', [process.execPath, DRYDOCK], test],
  ['docker', ['docker'], requires('command:docker')],
] as const)('%s', (client, command, test) => {
  test('is let in with a certificate of the authority', async () => {
    const { by, said } = await served(sets.ours)
    expect(await by([...command])('ours')).toMatch(/volumes\.inspect is not part of this test/)
    expect(said.filter((line) => /let in|no TLS/.test(line))).toEqual([])
  })

  test('is told why it is not let in, and the engine’s log says so too', async () => {
    const { by, said, engine } = await served(sets.ours)
    const ask = by([...command])
    expect(await ask('strangers')).toContain('whose certificate its authority has signed, and the one that was shown is of another')
    expect(said.at(-1)).toBe('warn 127.0.0.1 is not let in: its certificate is of another')
    expect(await ask('engines')).toContain('the one that was shown is not for clients')
    expect(said.at(-1)).toMatch(/is not for clients$/)
    expect(await ask('ours', false)).toMatch(/HTTP request to an HTTPS server|expects TLS/)
    expect(said.at(-1)).toBe('warn 127.0.0.1 is not let in: it speaks no TLS')
    expect(engine.calls).toEqual([])
  })

  test('does not believe an engine of another authority, nor one whose certificate is out of date', async () => {
    const { by, said } = await served(sets.others)
    expect(await by([...command])('ours')).toMatch(
      client === 'docker' ? /certificate signed by unknown authority/ : /signed by nobody that this client believes/,
    )
    // Node’s client looks at the certificate when all is agreed on, and hangs up then.
    if (client === 'docker') await expect.poll(() => said.at(-1)).toMatch(/no TLS with 127\.0\.0\.1: it does not (believe|know)/)
    const old = await served(sets.expired)
    expect(await old.by([...command])('expired')).toMatch(/certificate has expired/)
  })
})

test('a client without a certificate is told so', async () => {
  const { by, said } = await served(sets.ours)
  expect(await by([process.execPath, DRYDOCK, '--tlsverify', '--tlscacert', join(directory, 'nobody/ca.pem')])('nobody', false)).toContain(
    'and none was shown: give cert.pem and key.pem',
  )
  expect(said.at(-1)).toBe('warn 127.0.0.1 is not let in: it has shown no certificate')
})
