/** Small readings: flags, moments, ports, places of copies, subnets. */
import { expect, test } from 'vitest'
import { destination } from '../../../../lib/cli/client/copy/destination.js'
import { subnetsOf } from '../../../../lib/cli/client/subnets.js'
import { sshArguments } from '../../../../lib/cli/engine/ssh.js'
import { GoCommand, list, readFilter } from '../../../../lib/cli/flags.js'
import { compile, Row } from '../../../../lib/cli/format/index.js'
import { showPorts } from '../../../../lib/cli/ports.js'
import { goTime, rfc3339Nano } from '../../../../lib/cli/table.js'
import { timestamp } from '../../../../lib/cli/timestamp.js'

function read(...argv: string[]) {
  const command = new GoCommand('x')
    .argument('[rest...]')
    .option('-i, --interactive', 'x')
    .option('-t, --tty', 'x')
    .option('--no-trunc', 'x')
    .option('--pause', 'x', true)
    .option('-w, --workdir <path>', 'x')
    .addOption(list('-e, --env <name>', 'x'))
    .alsoSpelled('--work', '--workdir')
    .passThroughOptions()
    .exitOverride()
  const { argv: words, switches } = command.readFlags(argv)
  command.parse([...words], { from: 'user' })
  for (const [option, on] of switches) command.setOptionValueWithSource(option.attributeName(), on, 'cli')
  return { ...command.opts(), args: command.args }
}

test.each([
  [['-it', 'a', '-e', 'x'], { interactive: true, tty: true, args: ['a', '-e', 'x'] }],
  [['-ite', 'A', '-eB', '-e=C', '--env=D', '--env', 'E'], { interactive: true, tty: true, env: ['A', 'B', 'C', 'D', 'E'] }],
  [['-i=false', '--tty=T'], { interactive: false, tty: true }],
  [['--no-trunc=false', '--pause=0'], { trunc: true, pause: false }],
  [['--no-trunc'], { trunc: false, pause: true }],
  [['--work', '/a', '-w', '-1'], { workdir: '-1' }],
  [['--tty', '--tty=false', '--tty'], { tty: true }],
  [['--', '-i'], { args: ['-i'] }],
])('%j', (argv, expected) => {
  expect(read(...argv)).toMatchObject(expected)
})

test('a moment: so long ago, a date, seconds with a fraction', () => {
  const now = Date.UTC(2026, 0, 2)
  expect(timestamp('1h30m', now)).toBe(`${now / 1000 - 5400}.000000000`)
  expect(timestamp('0s', now)).toBe(`${now / 1000}.000000000`)
  expect(timestamp('1136073600.000000001')).toBe('1136073600.000000001')
  expect(timestamp('2026-01-02T03:04:05.5Z')).toBe('1767323045.500000000')
  expect(timestamp('2026-01-02T03:04:05+02:00')).toBe('1767315845.000000000')
  expect(() => timestamp('soon')).toThrow('failed to parse value as time or duration: "soon"')
})

test('filters', () => {
  expect(readFilter('label=a=b', readFilter('label=c', {}))).toEqual({ label: ['c', 'a=b'] })
  expect(readFilter('constructor=x', {})).toEqual({ constructor: ['x'] })
})

test('ports as docker ps has them', () => {
  const to = (IP: string, PrivatePort: number, PublicPort: number, Type = 'tcp') => ({ IP, PrivatePort, PublicPort, Type })
  const range = [90, 91, 92, 93].flatMap((port) => [to('0.0.0.0', port, port), to('::', port, port)])
  expect(showPorts([...range, to('0.0.0.0', 80, 8080), to('::', 80, 8080), to('127.0.0.1', 81, 81, 'udp')])).toBe(
    '127.0.0.1:81->81/udp, 0.0.0.0:90-93->90-93/tcp, [::]:90-93->90-93/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp',
  )
  expect(showPorts([443, 80, 81].map((PrivatePort) => ({ PrivatePort, Type: 'tcp' })))).toBe('80-81/tcp, 443/tcp')
  expect(showPorts([])).toBe('')
})

test.each([
  ['/a/b', false, '/c', true, true, '/c/b', false],
  ['/a/b', true, '/c', true, true, '/c/b', false],
  ['/a/b/.', true, '/c', true, true, '/c', true],
  ['/', true, '/c', true, true, '/c', true],
  ['/a/b', true, '/c', false, false, '/c', false],
  ['/a/b', false, '/c', true, false, '/c', false],
  ['/a/b', true, '/c/', false, false, '/c', false],
])('%s (a directory: %s) to %s', (path, directory, target, exists, isDirectory, root, contents) => {
  expect(destination({ path, directory }, { path: target, exists, directory: isDirectory })).toEqual({ root, contents })
})

test('copies that cannot be', () => {
  const to = (source: [string, boolean], target: [string, boolean, boolean]) => () =>
    destination({ path: source[0], directory: source[1] }, { path: target[0], exists: target[1], directory: target[2] })
  expect(to(['/a', true], ['/f', true, false])).toThrow('cannot copy directory')
  expect(to(['/a', false], ['/nowhere/', false, false])).toThrow('no such directory')
  expect(to(['/a/', false], ['/c', true, true])).toThrow('not a directory')
})

test('gateways, ranges and taken addresses go to the subnet that they lie in', () => {
  const wish = {
    subnet: ['10.0.0.0/8', 'fd00::/64'],
    gateway: ['fd00::1', '10.0.0.1'],
    ipRange: ['10.1.0.0/16'],
    auxAddress: ['a=10.0.0.9'],
  }
  expect(subnetsOf(wish)).toEqual([
    { Subnet: '10.0.0.0/8', Gateway: '10.0.0.1', IPRange: '10.1.0.0/16', AuxiliaryAddresses: { a: '10.0.0.9' } },
    { Subnet: 'fd00::/64', Gateway: 'fd00::1' },
  ])
  expect(() => subnetsOf({ ...wish, gateway: ['192.168.0.1'] })).toThrow('no matching subnet for gateway 192.168.0.1')
  expect(() => subnetsOf({ ...wish, subnet: ['10.0.0.0/8', '10.1.0.0/16'] })).toThrow('overlapping')
})

test('a field of a template that takes an argument', () => {
  const row = new Row('x', { Label: (name: string) => `<${name}>`, Name: 'n' })
  expect(compile('{{.Name}} {{.Label "a"}} {{"b" | .Label}} {{upper (.Label "c")}}')(row)).toBe('n <a> <b> <C>')
  expect(() => compile('{{.Name "a"}}')(row)).toThrow('Name has arguments but cannot be invoked as function')
})

test('nanoseconds are kept', () => {
  expect(rfc3339Nano(1_795_722_223_395_228_539n)).toMatch(/^2026-11-26T\d\d:43:43\.395228539/)
  expect(goTime('2026-11-26T19:04:14.645959750Z')).toMatch(/^2026-11-26 \d\d:04:14\.64595975 [+-]\d{4} /)
})

test('what ssh is asked for: no word of an address is an option of it', () => {
  expect(sshArguments({ kind: 'ssh', host: 'harbour', user: 'mate', port: 22 })).toEqual([
    ...['-o', 'ConnectTimeout=30', '-T', '-l', 'mate', '-p', '22', '--', 'harbour'],
    expect.stringMatching(/^sh -c '.*exec drydock system dial-stdio;.*exec docker system dial-stdio; fi'$/),
  ])
})
