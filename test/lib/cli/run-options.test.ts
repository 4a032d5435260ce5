import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseDns } from '../../../lib/cli/names.js'
import { requestOf } from '../../../lib/cli/request.js'
import { parseRun, type RunArguments } from '../../../lib/cli/run-options.js'
import { table } from '../../../lib/cli/table.js'
import { ago } from '../../../lib/engine/durations.js'
import { parseEnvironment } from '../../../lib/engine/environment.js'
import { parseExtraHosts } from '../../../lib/engine/hosts.js'
import type { RunnableImage } from '../../../lib/engine/request/image.js'
import { parseSecurity } from '../../../lib/engine/security.js'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-options-'))
})
afterAll(() => rmSync(root, { recursive: true }))

const IMAGE: RunnableImage = {
  name: 'host',
  layers: ['/layers/host'],
  env: ['PATH=/bin'],
  entrypoint: [],
  cmd: ['/bin/sh'],
  workingDir: '/',
  user: '',
}

const parsed = (...argv: string[]) => parseRun(argv) as RunArguments
const spec = (...argv: string[]) => requestOf(parsed('--network', 'none', ...argv), IMAGE, root).spec

describe('what was typed', () => {
  test('options end with the image: what follows is the command’s', () => {
    const { flags, image, command } = parsed('-it', '--rm', '-e', 'A=1', '-e', 'B=2', 'host', 'ls', '-l', '--rm')
    expect(flags).toMatchObject({ interactive: true, tty: true, rm: true, env: ['A=1', 'B=2'] })
    expect(image).toBe('host')
    expect(command).toEqual(['ls', '-l', '--rm'])
  })

  test('-h is the host name, as with docker', () => {
    expect(spec('-h', 'web', 'host').hostname).toBe('web')
  })

  test('without a name one is made up, and the host name is the beginning of the id', () => {
    const { id, name, hostname } = spec('host')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(hostname).toBe(id.slice(0, 12))
    expect(name).toMatch(/^[a-z]+_[a-z]+$/)
  })

  test('the image’s command, another one, an entrypoint, no entrypoint', () => {
    const image = { ...IMAGE, entrypoint: ['/entry'], cmd: ['default'] }
    const argv = (...words: string[]) => requestOf(parsed('--network', 'none', ...words), image, root).spec.argv
    expect(argv('host')).toEqual(['/entry', 'default'])
    expect(argv('host', 'x')).toEqual(['/entry', 'x'])
    expect(argv('--entrypoint', '/other', 'host')).toEqual(['/other'])
    expect(argv('--entrypoint', '', 'host', 'x')).toEqual(['x'])
    expect(() => argv('--entrypoint', '', 'host')).toThrow('no command specified')
  })

  test('limits become what the cgroups primitive takes', () => {
    expect(spec('-m', '64m', '--memory-swap', '-1', '--cpus', '0.5', '--pids-limit', '0', '-c', '512', 'host').limits).toEqual({
      memory: 64 * 1024 ** 2,
      memorySwap: -1,
      cpus: 0.5,
      pids: -1,
      cpuShares: 512,
    })
  })

  test('what the image says holds, until something else is said', () => {
    const image: RunnableImage = {
      ...IMAGE,
      id: `sha256:${'1'.repeat(64)}`,
      env: ['PATH=/bin', 'A=1', 'B=2'],
      entrypoint: ['/entry'],
      workingDir: '/work',
      user: '7:8',
      labels: { a: 'image', b: 'image' },
      exposedPorts: ['80/tcp'],
      stopSignal: 'SIGINT',
    }
    const of = (...words: string[]) => requestOf(parsed('--network', 'none', ...words), image, root).spec
    expect(of('app')).toMatchObject({
      image: { id: image.id },
      argv: ['/entry', '/bin/sh'],
      env: ['PATH=/bin', 'A=1', 'B=2'],
      cwd: '/work',
      user: '7:8',
      declared: {
        entrypoint: ['/entry'],
        cmd: ['/bin/sh'],
        labels: { a: 'image', b: 'image' },
        exposedPorts: ['80/tcp'],
        volumes: [],
        stopSignal: 'SIGINT',
      },
    })
    const other = of(...['-e', 'A=x', '-e', 'C=3', '-w', '/', '-u', '0', '-l', 'b=mine', '-l', 'c', '--expose', '81-82/udp'], 'app', 'x')
    expect(other).toMatchObject({ argv: ['/entry', 'x'], env: ['A=x', 'C=3', 'PATH=/bin', 'B=2'], cwd: '/', user: '0' })
    expect(other.declared).toMatchObject({ labels: { a: 'image', b: 'mine', c: '' }, exposedPorts: ['80/tcp', '81/udp', '82/udp'] })
    expect(of('--stop-signal', 'usr1', 'app').declared?.stopSignal).toBe('usr1')
    expect(() => of('--stop-signal', 'NOPE', 'app')).toThrow('Invalid signal: NOPE')
    expect(() => of('--expose', 'x', 'app')).toThrow('invalid range format for --expose: x')
  })

  test('volumes that the image wants are made, where nothing else is mounted', () => {
    const image = { ...IMAGE, volumes: ['/data/', '/cache', '/logs', '/'] }
    const { spec: made, fill } = requestOf(
      parsed(...['--network', 'none', '-v', 'logs:/logs', '-v', '/own', '--tmpfs', '/cache', 'app']),
      image,
      root,
    )
    expect(made.mounts.map(({ kind, target }) => `${kind} ${target}`)).toEqual(['bind /logs', 'bind /own', 'bind /data', 'tmpfs /cache'])
    expect(fill.map(({ target }) => target)).toEqual(['/logs', '/own', '/data'])
    expect(made.ownVolumes).toEqual(
      ['/own', '/data'].map((target) => dirname(made.mounts.find((mount) => mount.target === target)?.source ?? '')),
    )
    expect(made.declared?.volumes).toEqual(image.volumes)
  })

  test('-P publishes what is exposed and not published already', () => {
    // Root may have a network.
    const user = vi.spyOn(process, 'geteuid').mockReturnValue(0)
    onTestFinished(() => user.mockRestore())
    const image = { ...IMAGE, exposedPorts: ['80/tcp', '53/udp', '443'] }
    const { spec: made } = requestOf(parsed('--network', 'bridge', '-P', '-p', '8080:80', 'app'), image, root)
    expect(made.network).toMatchObject({ ports: ['8080:80', '53/udp', '443/tcp'] })
  })

  test.each([
    [['--name', 'x', 'host'], 'invalid container name (x)'],
    [['-h', '-bad-', 'host'], "invalid hostname '-bad-'"],
    [['-w', 'relative', 'host'], "the working directory 'relative' is invalid"],
    [['--network', 'host', 'host'], 'conflicting options'],
    [['--network', 'container:nobody', 'host'], 'conflicting options'],
    [['--memory', 'lots', 'host'], 'invalid argument "lots" for --memory'],
    [['--cpus', 'all', 'host'], 'invalid argument "all" for --cpus'],
    [['--ulimit', 'nofile', 'host'], 'a limit is written as NAME=SOFT[:HARD]'],
  ])('%j is refused in a sentence', (argv, sentence) => {
    expect(() => spec(...argv)).toThrow(sentence)
  })

  test('a network of a container that is not there', () => {
    expect(() => requestOf(parsed('--network', 'container:nobody', 'host'), IMAGE, root)).toThrow('No such container: nobody')
  })
})

describe('parts', () => {
  test('variables: given, from here, from a file', () => {
    const file = join(root, 'env')
    writeFileSync(file, '# remark\n\nFROM_FILE=a "b"\r\nTERM\n')
    expect(parseEnvironment(['A=1=2', 'HOME', 'MISSING'], [file], { HOME: '/h', TERM: 't' })).toEqual([
      'FROM_FILE=a "b"',
      'TERM=t',
      'A=1=2',
      'HOME=/h',
    ])
    expect(() => parseEnvironment(['=x'], [])).toThrow('invalid environment variable: =x')
    writeFileSync(file, 'A B=1\n')
    expect(() => parseEnvironment([], [file])).toThrow("variable 'A B' contains whitespaces")
    expect(() => parseEnvironment([], ['/nowhere'])).toThrow('open /nowhere: ENOENT')
  })

  test('security options', () => {
    expect(parseSecurity(['no-new-privileges', 'seccomp=unconfined', 'systempaths=unconfined', 'apparmor=unconfined'])).toEqual({
      noNewPrivileges: true,
      seccomp: 'unconfined',
      unmasked: true,
      warnings: [],
    })
    expect(parseSecurity(['apparmor=docker-default']).warnings).toHaveLength(1)
    expect(() => parseSecurity(['nonsense=1'])).toThrow('invalid --security-opt: "nonsense=1"')
    expect(() => parseSecurity(['seccomp=/nowhere'])).toThrow('opening seccomp profile (/nowhere) failed: ENOENT')
    writeFileSync(join(root, 'profile'), '{"defaultAction": 1}')
    expect(() => parseSecurity([`seccomp=${join(root, 'profile')}`])).toThrow('decoding seccomp profile')
  })

  test('hosts and name servers', () => {
    expect(parseExtraHosts(['db:10.0.0.5', 'six=[fe80::1]', 'seven:fe80::2'])).toEqual(['10.0.0.5\tdb', 'fe80::1\tsix', 'fe80::2\tseven'])
    expect(() => parseExtraHosts(['db'])).toThrow('bad format for add-host: "db"')
    expect(() => parseDns(parsed('--dns', 'nine', 'host').flags)).toThrow('nine is not an ip address')
  })

  test('a table as docker draws it', () => {
    expect(table(['A', 'LONG'], [['xyz', '1']])).toBe('A         LONG\nxyz       1\n')
  })

  test.each([
    [0, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [150, '2 minutes'],
    [3600, 'About an hour'],
    [86_400, '24 hours'],
    [3 * 86_400, '3 days'],
    [30 * 86_400, '4 weeks'],
    [100 * 86_400, '3 months'],
    [800 * 86_400, '2 years'],
  ])('%i seconds ago is %j', (seconds, words) => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(ago(new Date(now - seconds * 1000).toISOString(), now)).toBe(words)
  })
})
