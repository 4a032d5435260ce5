/** Connections that cannot be, on servers that are really there. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test as plain } from 'vitest'
import { Engine } from '../../../../lib/cli/engine/client.js'
import type { Endpoint, Tls } from '../../../../lib/cli/engine/endpoint.js'
import { unreachable } from '../../../../lib/cli/engine/unreachable.js'
import { requires } from '../../../support/requires.js'

const test = requires('command:openssl')

let place = ''
const servers: Server[] = []

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'unreachable-'))
})

afterAll(() => {
  for (const server of servers) server.close()
  rmSync(place, { recursive: true })
})

/** One that has signed itself, for these names. */
function certificate(name: string, names: string): { key: Buffer; cert: Buffer } {
  const [key, cert] = [join(place, `${name}.key`), join(place, `${name}.crt`)]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const made = ['-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]
  execFileSync('openssl', ['req', '-x509', ...kind, ...made], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

async function listening(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const at = (port: number, tls?: Tls): Endpoint => ({
  host: { kind: 'tcp', host: '127.0.0.1', port, path: '' },
  own: false,
  ...(tls && { tls }),
})
const open = (endpoint: Endpoint) => Engine.open(endpoint)
const ping = (_request: unknown, response: { setHeader(name: string, value: string): void; end(): void }) => {
  response.setHeader('Api-Version', '1.41')
  response.end()
}

plain('nobody listens, no socket, no such name: what it is and what to do', async () => {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  await expect(open(at(port))).rejects.toThrow(
    `Cannot connect to the Docker daemon at tcp://127.0.0.1:${port}. Is the docker daemon running?\n127.0.0.1 is there, and nothing listens at its port ${port} (connection refused)`,
  )
  const socket = (path: string) => open({ host: { kind: 'unix', path }, own: false })
  await expect(socket(join(place, 'absent.sock'))).rejects.toThrow(
    /^Cannot connect to the Docker daemon at unix:.*\nThere is no such socket: start/,
  )
  writeFileSync(join(place, 'file'), '')
  await expect(socket(join(place, 'file'))).rejects.toThrow('connection refused')
})

plain.each([
  ['ETIMEDOUT', 'does not answer at port 2375 (timeout)'],
  ['EHOSTUNREACH', 'no route to host'],
  ['ENETUNREACH', 'network is unreachable'],
  ['ENOTFOUND', 'Nobody knows a machine by the name 127.0.0.1'],
  ['EAI_AGAIN', 'no name server answers'],
])('%s is told of as such', (code, words) => {
  expect(unreachable(at(2375), Object.assign(new Error(), { code }))?.message).toContain(words)
})

plain('one that hangs up may expect TLS', async () => {
  const port = await listening(createServer((socket) => socket.destroy()))
  await expect(open(at(port))).rejects.toThrow('it may expect TLS (then use --tlsverify')
})

test('TLS to a port without it, and the reverse', async () => {
  const port = await listening(createHttp(ping))
  await expect(open(at(port, { verify: false }))).rejects.toThrow('TLS was spoken to a port that speaks none')
  const { key, cert } = certificate('reverse', 'IP:127.0.0.1')
  const secured = await listening(createHttps({ key, cert }, ping))
  await expect(open(at(secured))).rejects.toThrow('it may expect TLS')
  // Go's server says it in words.
  const go = await listening(createHttp((_, response) => response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n')))
  await expect(open(at(go)).then((engine) => engine.ask(engine.docker.version()))).rejects.toThrow('Its port expects TLS')
})

test('certificates: of an unknown maker, for another name, and one’s own that is missing; with all of them right it is let in', async () => {
  const server = certificate('server', 'IP:127.0.0.1')
  const other = certificate('other', 'DNS:elsewhere.example')
  const mine = certificate('mine', 'DNS:client.example')
  const port = await listening(createHttps({ ...server, ca: mine.cert, requestCert: true, rejectUnauthorized: true }, ping))
  const misnamed = await listening(createHttps(other, ping))
  await expect(open(at(port, { verify: true, ca: other.cert, ...mine }))).rejects.toThrow('signed by nobody that this client believes')
  await expect(open(at(misnamed, { verify: true, ca: other.cert }))).rejects.toThrow('for other names than the one used here')
  await expect(open(at(port, { verify: true, ca: server.cert }))).rejects.toThrow('The engine wants a certificate of this client')
  const engine = await open(at(port, { verify: true, ca: server.cert, ...mine }))
  expect(engine.server).toEqual({ apiVersion: '1.41', os: 'linux' })
})
