/** `drydock daemon` as a process: where it listens, for whom, what it is told, and how it ends. */
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import { ask } from '../support/api.js'
import { daemonPlace, runForTest } from '../support/daemon.js'
import { freePort } from '../support/fake-engine.js'
import { DRYDOCK } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const test = requires('root')

const info = async (socketPath: string) => (await ask({ socketPath }, '/info')).json() as { ID: string; Labels: string[]; Debug: boolean }

test('flags before the verb are the daemon’s own', async () => {
  const { socket, at, root } = daemonPlace()
  const places = ['--data-root', at('data'), '--exec-root', at('run')]
  const daemon = runForTest([process.execPath, DRYDOCK, '-D', '-H', `unix://${socket}`, 'daemon', ...places], {
    XDG_CONFIG_HOME: at('config'),
    HOME: root,
  })
  await daemon.until(/API listen on unix:/)
  expect((await info(socket)).Debug).toBe(true)
  const wrong = runForTest([process.execPath, DRYDOCK, '--context', 'x', 'daemon', ...places])
  expect(await wrong.ended).toMatchObject({ status: 125, said: expect.stringMatching(/^unknown flag: --context\n/) })
})

describe('a unix socket', () => {
  test('is for the group that is named, and gone when the engine is', async () => {
    const { start, socket, at } = daemonPlace()
    const daemon = start('-H', `unix://${socket}`, '--group', '1234', '--pidfile', at('pid'))
    await daemon.until(/API listen on unix:/)
    const { mode, gid, uid } = lstatSync(socket)
    expect([mode & 0o7777, uid, gid]).toEqual([0o660, 0, 1234])
    expect(readFileSync(at('pid'), 'utf8')).toBe(`${daemon.child.pid}\n`)
    expect((await ask({ socketPath: socket }, '/_ping')).text).toBe('OK')
    daemon.child.kill('SIGTERM')
    const { status, said } = await daemon.ended
    expect(status).toBe(0)
    expect(said).toMatch(
      /^\S+Z info {2}API listen on unix:\/\/\S+\n\S+ info {2}SIGTERM: stopping; containers go on\n\S+ info {2}stopped\n$/,
    )
    expect([socket, at('pid')].filter((path) => existsSync(path))).toEqual([])
  })

  test('that was left is replaced; its place is that of the run directory when none is named', async () => {
    const { start, at } = daemonPlace()
    const first = start()
    await first.until(/API listen/)
    const { ID } = await info(at('run/engine.sock'))
    first.child.kill('SIGKILL')
    expect((await first.ended).status).toBe('SIGKILL')
    expect(existsSync(at('run/engine.sock'))).toBe(true)
    const second = start()
    await second.until(/API listen/)
    expect((await info(at('run/engine.sock'))).ID).toBe(ID)
  })

  test('where somebody answers is left alone, and who it is is said; nothing is begun', async () => {
    const { start, socket, at } = daemonPlace()
    const other = createServer((_request, response) => void response.setHeader('Server', 'Docker/28.5.2 (linux)').end('{}'))
    await new Promise<void>((resolve) => other.listen(socket, resolve))
    onTestFinished(() => new Promise<void>((resolve) => void other.close(() => resolve())))
    const { status, said } = await start('-H', `unix://${socket}`).ended
    expect([status, said]).toEqual([
      1,
      `drydock daemon: ${socket} is in use: Docker 28.5.2 answers there. Stop it, or listen elsewhere with --host\n`,
    ])
    expect(existsSync(at('data'))).toBe(false)
    writeFileSync(at('file'), 'mine')
    expect((await start('-H', `unix://${at('file')}`).ended).said).toMatch(/is no socket: remove it/)
    expect(readFileSync(at('file'), 'utf8')).toBe('mine')
  })
})

test('a data root has one engine', async () => {
  const { start, socket, at } = daemonPlace()
  await start('-H', `unix://${socket}`).until(/API listen/)
  const { status, said } = await start('-H', `unix://${at('other.sock')}`).ended
  expect([status, said]).toEqual([1, expect.stringMatching(/another engine uses \S+data already/)])
  expect((await ask({ socketPath: socket }, '/_ping')).text).toBe('OK')
  expect(existsSync(at('other.sock'))).toBe(false)
})

describe('TCP', () => {
  test('without TLS is refused unless it is asked for by that name, and then there is a warning', async () => {
    const { start, socket } = daemonPlace()
    const port = await freePort()
    const hosts = ['-H', `tcp://127.0.0.1:${port}`, '-H', `unix://${socket}`]
    const refused = await start(...hosts).ended
    expect(refused.status).toBe(1)
    expect(refused.said).toMatch(/without TLS this would give root on this machine to everyone who can reach the port/)
    const said = await start(...hosts, '--tls=false').until(/API listen on unix/)
    expect(said).toMatch(
      new RegExp(`warn {2}the API is open on tcp://127\\.0\\.0\\.1:${port} without TLS: whoever can reach that port is root`),
    )
    expect(said).toMatch(new RegExp(`API listen on tcp://127\\.0\\.0\\.1:${port}`))
    for (const where of [{ host: '127.0.0.1', port }, { socketPath: socket }]) expect((await ask(where, '/_ping')).text).toBe('OK')
  })

  test('of another kind is refused by a sentence', async () => {
    const { start } = daemonPlace()
    for (const [host, sentence] of [
      ['fd://', /fd:\/\/: this engine takes no sockets from systemd/],
      ['npipe:////./pipe/x', /invalid bind address \(npipe:/],
      ['tcp://1.2.3.4:99999', /invalid bind address/],
      ['nonsense/', /invalid bind address/],
    ] as const) {
      const { status, said } = await start('-H', host, '--tls=false').ended
      expect([host, status, said]).toEqual([host, 1, expect.stringMatching(sentence)])
    }
  })
})

describe('the file', () => {
  test('says what flags say, and neither says it twice', async () => {
    const { start, at, socket } = daemonPlace()
    const file = at('daemon.json')
    const write = (document: object) => writeFileSync(file, JSON.stringify(document))
    const ended = async (...args: string[]) => (await start('--config-file', file, ...args).ended).said
    expect(await ended()).toMatch(/daemon\.json cannot be read: ENOENT/)
    writeFileSync(file, '{"debug":')
    expect(await ended()).toMatch(/daemon\.json is no JSON: /)
    write({ 'log-drivers': 'x' })
    expect(await ended()).toMatch(/the following directives don't match any configuration option: log-drivers/)
    write({ labels: 'a=b' })
    expect(await ended()).toMatch(/"labels" is a list of texts, and not "a=b"/)
    write({ labels: ['a=b'], debug: false, hosts: [`unix://${socket}`] })
    expect(await ended('--label', 'c=d', '--debug')).toMatch(
      /specified both as a flag and in the configuration file: labels: \(from flag: \[c=d\], from file: \[a=b\]\), debug: \(from flag: true, from file: false\)/,
    )
    await start('--config-file', file).until(/API listen/)
    expect(await info(socket)).toMatchObject({ Labels: ['a=b'], Debug: false })
  })

  test('is read again on SIGHUP; one that is wrong changes nothing', async () => {
    const { start, at, socket } = daemonPlace()
    const file = at('daemon.json')
    writeFileSync(file, JSON.stringify({ labels: ['a=1'] }))
    const daemon = start('--config-file', file, '-H', `unix://${socket}`)
    await daemon.until(/API listen/)
    writeFileSync(file, JSON.stringify({ labels: ['a=2'], debug: true, 'insecure-registries': ['registry.room:5000'] }))
    daemon.child.kill('SIGHUP')
    await daemon.until(/the configuration was read again/)
    expect(await info(socket)).toMatchObject({ Labels: ['a=2'], Debug: true })
    writeFileSync(file, JSON.stringify({ labels: ['a'] }))
    daemon.child.kill('SIGHUP')
    await daemon.until(/error the configuration stays as it was: bad attribute format: a: a label is NAME=VALUE/)
    expect(await info(socket)).toMatchObject({ Labels: ['a=2'] })
  })

  test('and flags are looked at before anything is begun', async () => {
    const { start, at } = daemonPlace()
    mkdirSync(at('certs'))
    for (const [args, sentence] of [
      [['--bip', '10.9.8.1'], /--bip 10\.9\.8\.1: it is the address of the bridge and the bits/],
      [['--bip', 'fd00::1/64'], /IPv4 only/],
      [['--log-level', 'loud'], /invalid log level "loud": it is one of debug, info, warn, error, fatal/],
      [['--group', 'nosuchgroup'], /group nosuchgroup not found/],
      [['--registry-mirror', 'ftp://x'], /invalid mirror/],
      [
        ['--tlsverify', '--tlscert', at('certs/cert.pem')],
        /the certificate of the engine \(--tlscert\) cannot be read: \S+cert\.pem \(ENOENT\)/,
      ],
      [['--tls=false', '--tlsverify'], /exclude each other/],
      [['--tls=maybe'], /it is true or false/],
      [['--nosuch'], /unknown flag: --nosuch/],
      [['word'], /accepts no arguments/],
    ] as const) {
      const { status, said } = await start(...args).ended
      expect([args, status === 0, said]).toEqual([args, false, expect.stringMatching(sentence)])
    }
    expect(existsSync(at('data'))).toBe(false)
  })
})

test('a second SIGINT ends what does not come to its end', async () => {
  const { at, socket } = daemonPlace()
  const program = join(import.meta.dirname, '../support/programs/stuck-daemon.ts')
  const daemon = runForTest([process.execPath, '--import', 'tsx', program, '-H', `unix://${socket}`], { DRYDOCK_RUN_DIR: at('run') })
  await daemon.until(/API listen/)
  daemon.child.kill('SIGINT')
  await daemon.until(/SIGINT: stopping/)
  daemon.child.kill('SIGINT')
  expect((await daemon.ended).status).toBe(130)
})
