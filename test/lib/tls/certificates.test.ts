/** The certificates of `drydock tls`: what is in them, on disk, and whom they let in. Witnesses are Node’s TLS and the program openssl. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeNew, writeOver } from '../../../lib/tls/files.js'
import { checkedHost, hostsIn, makeSet, renewSet } from '../../../lib/tls/set.js'
import { DRYDOCK, program } from '../../support/private-host.js'
import { requires } from '../../support/requires.js'

const HOSTS = ['vm-1', '172.20.122.115', 'fd00::1', '*.example.org', '127.0.0.1']
const DAY = 86_400_000

const make = (options: Partial<Parameters<typeof makeSet>[0]> = {}) => makeSet({ hosts: HOSTS, days: 30, name: 'test', ...options }).files
const parsed = (pem: string | undefined) => new X509Certificate(pem as string)

describe('a set of certificates', () => {
  test('says who may do what, for whom and for how long', () => {
    const now = new Date()
    const files = make({ now })
    const [ca, server, client] = [files['ca.pem'], files['server-cert.pem'], files['cert.pem']].map(parsed) as [
      X509Certificate,
      X509Certificate,
      X509Certificate,
    ]
    expect([ca.ca, server.ca, client.ca]).toEqual([true, false, false])
    expect([server.keyUsage, client.keyUsage]).toEqual([['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']])
    for (const one of [server, client]) expect(one.checkIssued(ca) && one.verify(ca.publicKey)).toBe(true)
    for (const host of ['vm-1', 'a.example.org']) expect(server.checkHost(host), host).toBeDefined()
    for (const host of ['vm-2', 'example.org', 'a.b.example.org', '172.20.122.115']) expect(server.checkHost(host), host).toBeUndefined()
    for (const ip of ['172.20.122.115', 'fd00::1']) expect(server.checkIP(ip), ip).toBeDefined()
    expect(server.checkIP('172.20.122.116')).toBeUndefined()
    expect(client.subjectAltName).toBeUndefined()
    expect(Date.parse(server.validFrom)).toBeLessThan(now.getTime())
    expect(Math.round((Date.parse(server.validTo) - now.getTime()) / DAY)).toBe(30)
    expect(Math.round((Date.parse(ca.validTo) - now.getTime()) / DAY)).toBe(3650)
    expect(new Set([ca, server, client].map(({ serialNumber }) => serialNumber)).size).toBe(3)
    expect(parsed(make()['ca.pem']).fingerprint256).not.toBe(ca.fingerprint256)
  })

  // Node waited for itself about once in some thousand keys.
  test('is made, however many have been made before', async () => {
    const [file, ...args] = program('many-sets', '1000') as [string, ...string[]]
    expect((await execa(file, args, { timeout: 100_000 })).stdout).toBe('made')
  })

  test('never outlives its authority', () => {
    const old = make({ now: new Date(Date.now() - 3640 * DAY) })
    const { until, authorityUntil } = renewSet(
      { pem: old['ca.pem'] as string, key: old['ca-key.pem'] as string },
      { hosts: HOSTS, days: 365 },
    )
    expect(until).toEqual(authorityUntil)
  })

  test.each([
    ['VM-1.Example', 'vm-1.example'],
    ['[::1]', '::1'],
    ['fd00:0:0:0:0:0:0:1', 'fd00::1'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['under_score', 'under_score'],
  ])('knows %s as %s', (text, host) => expect(checkedHost(text)).toBe(host))

  test.each(['', 'a b', '300.1.1.1', '1.2.3', 'a/b', 'http://a', 'a:2376', '-a', `${'a'.repeat(64)}.b`, '*'])(
    'refuses the host %j',
    (text) => expect(() => checkedHost(text)).toThrow(/neither a host's name nor an address/),
  )

  test('refuses days that are none, and an authority that is not its own', () => {
    for (const days of [0, -1, 1.5, 3651, Number.NaN]) expect(() => make({ days })).toThrow(/1 to 3650 days/)
    const [one, other] = [make(), make()]
    const renew = (pem: string | undefined, key: string | undefined) => () =>
      renewSet({ pem: pem as string, key: key as string }, { hosts: HOSTS, days: 1 })
    expect(renew(one['ca.pem'], other['ca-key.pem'])).toThrow('ca-key.pem is not the key of the authority in ca.pem')
    expect(renew(one['cert.pem'], one['key.pem'])).toThrow('ca-key.pem is not the key of the authority')
    expect(renew('nonsense', one['ca-key.pem'])).toThrow('ca.pem is no certificate')
    expect(renew(one['ca.pem'], 'nonsense')).toThrow('ca-key.pem is no key')
    const expired = make({ now: new Date(Date.now() - 3651 * DAY) })
    expect(renew(expired['ca.pem'], expired['ca-key.pem'])).toThrow(/was valid until \d{4}-\d\d-\d\d: make a new one elsewhere/)
  })
})

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-tls-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('on disk', () => {
  test('keys are their owner’s alone, whatever the umask, and nothing is overwritten', () => {
    const before = process.umask(0)
    const place = join(directory, 'made')
    writeNew(place, make())
    process.umask(before)
    expect((statSync(place).mode & 0o777).toString(8)).toBe('700')
    const modes = Object.fromEntries(readdirSync(place).map((name) => [name, (statSync(join(place, name)).mode & 0o777).toString(8)]))
    expect(modes).toEqual({
      'ca.pem': '444',
      'ca-key.pem': '400',
      'server-cert.pem': '444',
      'server-key.pem': '400',
      'cert.pem': '444',
      'key.pem': '400',
    })
    const kept = readFileSync(join(place, 'key.pem'), 'utf8')
    rmSync(join(place, 'ca.pem'))
    expect(() => writeNew(place, make())).toThrow(/cannot be written .*there is one already/)
    // Not one of them is new, nor is a draft left.
    expect(readdirSync(place).sort()).toEqual(['ca-key.pem', 'cert.pem', 'key.pem', 'server-cert.pem', 'server-key.pem'])
    expect(readFileSync(join(place, 'key.pem'), 'utf8')).toBe(kept)
    writeOver(place, make())
    expect(readFileSync(join(place, 'key.pem'), 'utf8')).not.toBe(kept)
  })

  test('a directory that cannot be written is named', () => {
    writeFileSync(join(directory, 'file'), '')
    expect(() => writeNew(join(directory, 'file'), make())).toThrow(/certificates cannot be written to .*\/file.* \(ENOTDIR\)/)
  })
})

describe('drydock tls', () => {
  const tls = (...args: string[]) => execa(process.execPath, [DRYDOCK, 'tls', ...args], { reject: false, cwd: directory })

  test('makes them for this machine, once; renews them for the same hosts, by the same authority', async () => {
    const made = await tls()
    expect([made.exitCode, made.stderr]).toEqual([0, ''])
    expect(made.stdout).toContain('DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=')
    const place = join(directory, 'drydock-tls')
    const read = (name: string) => readFileSync(join(place, name), 'utf8')
    const hosts = hostsIn(read('server-cert.pem'))
    expect(hosts).toEqual(expect.arrayContaining([(await execa('hostname')).stdout.toLowerCase(), 'localhost', '127.0.0.1', '::1']))
    const before = { ca: read('ca.pem'), caKey: read('ca-key.pem'), cert: read('server-cert.pem'), key: read('server-key.pem') }
    const again = await tls()
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('has ca.pem, ca-key.pem, server-cert.pem')])
    expect(read('server-cert.pem')).toBe(before.cert)
    expect((await tls('--renew', '--days', '7')).exitCode).toBe(0)
    expect([read('ca.pem'), read('ca-key.pem')]).toEqual([before.ca, before.caKey])
    expect(hostsIn(read('server-cert.pem'))).toEqual(hosts)
    expect(read('server-key.pem')).not.toBe(before.key)
    expect(parsed(read('server-cert.pem')).verify(parsed(before.ca).publicKey)).toBe(true)
    expect((await tls('--renew', '--host', 'elsewhere')).exitCode).toBe(0)
    expect(hostsIn(read('server-cert.pem'))).toEqual(['elsewhere', 'localhost', '127.0.0.1', '::1'])
  })

  test('says what is wrong', async () => {
    const wrong = async (...args: string[]) => {
      const { exitCode, stderr } = await tls(...args)
      return [exitCode, stderr.split('\n')[0]]
    }
    expect(await wrong('--renew')).toEqual([1, expect.stringMatching(/ca\.pem cannot be read \(ENOENT\)$/)])
    expect(await wrong('--host', 'a b')).toEqual([1, "drydock: 'a b' is neither a host's name nor an address"])
    expect(await wrong('--days', 'many')).toEqual([1, "drydock: 'many' is no number of days"])
    expect(await wrong('--bits', '4096')).toEqual([125, expect.stringContaining('unknown flag: --bits')])
    expect(await wrong('word')).toEqual([1, expect.stringContaining('accepts no arguments')])
    expect(existsSync(join(directory, 'drydock-tls'))).toBe(false)
  })
})

describe('openssl', () => {
  requires('command:openssl')('verifies them by its strict rules, each for its purpose only', async () => {
    const [ours, others, expired] = ['ours', 'others', 'expired'].map((name) => join(directory, name)) as [string, string, string]
    for (const place of [ours, others, expired]) mkdirSync(place)
    writeNew(ours, make())
    writeNew(others, make())
    writeNew(expired, make({ now: new Date(Date.now() - 31 * DAY) }))
    const verify = async (ca: string, place: string, name: string, purpose: string) => {
      const args = ['verify', '-x509_strict', '-CAfile', join(ca, 'ca.pem'), '-purpose', purpose, join(place, name)]
      const { exitCode, all } = await execa('openssl', args, { reject: false, all: true })
      return exitCode === 0 ? 'OK' : all
    }
    expect(await verify(ours, ours, 'server-cert.pem', 'sslserver')).toBe('OK')
    expect(await verify(ours, ours, 'cert.pem', 'sslclient')).toBe('OK')
    expect(await verify(ours, ours, 'cert.pem', 'sslserver')).toMatch(/unsupported certificate purpose|unsuitable certificate purpose/)
    expect(await verify(ours, ours, 'server-cert.pem', 'sslclient')).toMatch(
      /unsupported certificate purpose|unsuitable certificate purpose/,
    )
    expect(await verify(others, ours, 'cert.pem', 'sslclient')).toMatch(/unable to get local issuer certificate/)
    expect(await verify(expired, expired, 'cert.pem', 'sslclient')).toMatch(/certificate has expired/)
    const { stdout } = await execa('openssl', ['x509', '-in', join(ours, 'server-cert.pem'), '-noout', '-text'])
    expect(stdout).toMatch(/Key Usage: critical\n\s+Digital Signature\n/)
    expect(stdout).toMatch(/Basic Constraints: critical\n\s+CA:FALSE\n/)
    expect(stdout).toContain('DNS:vm-1, IP Address:172.20.122.115')
  })
})

describe('TLS between two who have them', () => {
  const ours = make()
  const others = make()
  const expired = make({ now: new Date(Date.now() - 31 * DAY) })
  type Files = Readonly<Record<string, string>>

  /** What the client hears, or why it hears nothing; and what the server makes of it. */
  async function meet(server: Files, client: ConnectionOptions): Promise<[heard: string, server: string]> {
    const { 'server-key.pem': key, 'server-cert.pem': cert, 'ca.pem': ca } = server
    const listener = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true } as never, (socket: TLSSocket) =>
      socket.end('welcome'),
    )
    const told = new Promise<string>((resolve) => {
      listener.once('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
        socket.on('error', () => undefined)
        resolve(error.code ?? error.message)
      })
      listener.once('secureConnection', () => resolve('let in'))
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    const heard = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ...client })
      socket.once('data', (bytes) => resolve(bytes.toString()))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.once('close', () => resolve('closed'))
    })
    const said = await told
    listener.close()
    return [heard, said]
  }
  const as = ({ 'key.pem': key, 'cert.pem': cert, 'ca.pem': ca }: Files) => ({ key, cert, ca }) as ConnectionOptions

  test('lets the client in', async () => {
    expect(await meet(ours, as(ours))).toEqual(['welcome', 'let in'])
    expect(await meet(ours, { ...as(ours), maxVersion: 'TLSv1.2' })).toEqual(['welcome', 'let in'])
  })

  test('refuses an engine of another authority, an expired one, and one of another name', async () => {
    expect((await meet(ours, { ...as(ours), ca: others['ca.pem'] as string }))[0]).toBe('SELF_SIGNED_CERT_IN_CHAIN')
    expect((await meet(expired, as(expired)))[0]).toBe('CERT_HAS_EXPIRED')
    expect((await meet(make({ hosts: ['vm-1'] }), as(ours)))[0]).toBe('SELF_SIGNED_CERT_IN_CHAIN')
    const named = make({ hosts: ['vm-1'] })
    expect((await meet(named, as(named)))[0]).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('refuses a client of another authority, without a certificate, and with the engine’s', async () => {
    const trusting = { ca: ours['ca.pem'] as string }
    const foreign = { ...as(others), ...trusting }
    expect((await meet(ours, foreign))[1]).not.toBe('let in')
    expect((await meet(ours, trusting))[1]).toBe('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
    const engines = { ...trusting, key: ours['server-key.pem'], cert: ours['server-cert.pem'] } as ConnectionOptions
    expect((await meet(ours, engines))[1]).not.toBe('let in')
  })

  test('refuses plain HTTP', async () => {
    const { 'server-key.pem': key, 'server-cert.pem': cert } = ours
    const listener = createServer({ key, cert } as never).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const socket = connectTcp((listener.address() as AddressInfo).port, '127.0.0.1').end('GET /_ping HTTP/1.1\r\n\r\n')
    const [error] = await once(listener, 'tlsClientError')
    expect(error.code).toBe('ERR_SSL_HTTP_REQUEST')
    socket.destroy()
    listener.close()
  })
})
