/** The exercise “verify”: one engine, and three who would like to be it and hear what they are told. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bottle } from '../../../lib/bottle.js'
import { makeSet, renewSet } from '../../../lib/tls/set.js'
import type { Ground } from '../../../lib/tutor/ground.js'
import type { Setting, Trial } from '../../../lib/tutor/lesson.js'
import { random } from '../../../lib/tutor/random.js'
import { newName } from '../../01-namespaces/looks.js'
import { Engine } from '../../08-engine/client.js'
import { SOCKET } from '../../08-engine/engine.js'
import { certificate, makeQuietly, secured } from '../certificates.js'
import { quietEngine, TLS_PORT } from '../engine.js'
import { twoHosts } from '../ground.js'
import { doors, relay } from './settings.js'

/** Those who would like to be vm-1: what each of them shows, and the number of the hint for who has talked to him. */
const IMPOSTORS = {
  stranger: { shows: 'a certificate of an authority of his own', hint: 2 },
  neighbour: { shows: 'a certificate of your authority for the name vm-3', hint: 3 },
  past: { shows: 'a certificate for vm-1 that has expired', hint: 1 },
} as const
type Kind = keyof typeof IMPOSTORS

const KINDS = Object.keys(IMPOSTORS) as Kind[]
/** So many of them stand among those who come last, with the engine. */
const AMONG_THE_LAST = 2

interface Impostor {
  readonly kind: Kind
  readonly socket: string
  readonly server: Server
  /** Whether anybody has asked him anything: a handshake alone is no question. */
  heard: boolean
}

const met = new WeakMap<Ground, readonly Impostor[]>()

const DAY = 86_400_000

export async function verifySetting(_bottle: Bottle, _challenge: Trial['challenge'], ground: Ground): Promise<Setting> {
  const hosts = twoHosts({ ground })
  await makeQuietly(hosts)
  await quietEngine(hosts, [...secured(hosts), '--log-level', 'error'])
  const pem = (name: string) => certificate(hosts, name)
  const authority = { pem: pem('ca.pem'), key: pem('ca-key.pem') }
  const names = ['vm-1', hosts.address('vm-1')]
  const files: Record<Kind, Readonly<Record<string, string>>> = {
    stranger: makeSet({ hosts: names, days: 30, name: 'vm-1' }).files,
    neighbour: renewSet(authority, { hosts: ['vm-3'], days: 30 }).files,
    past: renewSet(authority, { hosts: names, days: 30, now: new Date(Date.now() - 31 * DAY) }).files,
  }
  // Whoever goes from door to door meets one of every kind before the engine; where that is, nobody knows beforehand.
  const first = await Promise.all(shuffled(KINDS).map((kind) => impostor(kind, files[kind])))
  const more = Array.from({ length: AMONG_THE_LAST }, () => random.pick(KINDS))
  const last = await Promise.all(more.map((kind) => impostor(kind, files[kind])))
  const impostors = [...first, ...last]
  met.set(ground, impostors)
  const path = ({ socket }: Impostor) => socket
  const outside = await doors([...first.map(path), ...shuffled([...last.map(path), await relay(hosts, TLS_PORT)])])
  return {
    given: { doors: outside.paths, ca: authority.pem, cert: pem('cert.pem'), key: pem('key.pem') },
    async close() {
      await outside.close()
      for (const { server, socket } of impostors) {
        server.closeAllConnections()
        server.close()
        rmSync(socket, { force: true })
      }
    },
  }
}

function shuffled<T>(values: readonly T[]): T[] {
  const left = [...values]
  return values.map(() => left.splice(random.integer(0, left.length - 1), 1)[0] as T)
}

/** Somebody who lets in everybody, says yes to everything, and listens. */
async function impostor(kind: Kind, files: Readonly<Record<string, string>>): Promise<Impostor> {
  const socket = join(tmpdir(), `${newName('drydock')}-${process.pid}.sock`)
  const tls = { cert: files['server-cert.pem'], key: files['server-key.pem'], requestCert: true, rejectUnauthorized: false }
  const server = createServer(tls, (_request, response) => {
    one.heard = true
    response.writeHead(201, { 'Content-Type': 'application/json', Connection: 'close' }).end('{"Id":"0123456789ab","Warnings":[]}')
  })
  const one: Impostor = { kind, socket, server, heard: false }
  server.on('tlsClientError', (_error, secure) => secure.destroy())
  server.listen(socket)
  await once(server, 'listening')
  return one
}

export async function checkVerify(trial: Trial): Promise<void> {
  const { container, label, secret } = trial.challenge as Readonly<Record<'container' | 'label' | 'secret', string>>
  const told = new Set((met.get(trial.ground) ?? []).filter(({ heard }) => heard).map(({ kind }) => kind))
  for (const kind of KINDS)
    trial.expect(!told.has(kind), `somebody was told about it who has ${IMPOSTORS[kind].shows}`, IMPOSTORS[kind].hint)
  const engine = new Engine(twoHosts(trial).on('vm-1').hostPath(SOCKET))
  const { status, text } = await engine.ask('GET', `/containers/${container}/json`)
  trial.expect(status === 200, `the engine of vm-1 has no container ${container}`, 4)
  if (status !== 200) return
  const labels = (JSON.parse(text) as { Config: { Labels: Record<string, string> | null } }).Config.Labels
  trial.expect(labels?.[label] === secret, `its label ${label} is ${JSON.stringify(labels?.[label] ?? null)}, not “${secret}”`, 5)
}
