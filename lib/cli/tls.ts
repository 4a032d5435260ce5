/** `drydock tls`: certificates for an engine that is reached over the network, and for its clients. */
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { DrydockError } from '../kernel/errors.js'
import { ownAddresses } from '../kernel/own-addresses.js'
import { present, readPem, writeNew, writeOver } from '../tls/files.js'
import { type CertificateSet, day, FILES, hostsIn, makeSet, renewSet } from '../tls/set.js'
import { parseVerb, repeated } from './verb.js'

interface Options {
  readonly dir: string
  readonly host: readonly string[]
  readonly days: string
  readonly renew?: boolean
}

/** Where nobody says otherwise, below the current directory. */
const DIRECTORY = 'drydock-tls'

const LOCAL = ['localhost', '127.0.0.1', '::1']

export async function tls(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock tls')
    .usage('[OPTIONS]')
    .description('Make an authority, and certificates of it for an engine and for its clients')
    .option('--dir <DIR>', 'where the files are written', DIRECTORY)
    .addOption(repeated('--host <NAME-or-IP>', 'what the engine is reached by; without, this machine’s name and addresses'))
    .option('--days <N>', 'how long the certificates are valid', '365')
    .option('--renew', 'new certificates of the authority that is there, for the same hosts')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { dir, host, days, renew = false } = parsed.options
  const directory = resolve(dir)
  if (!/^\d+$/.test(days)) throw new DrydockError(`'${days}' is no number of days`)
  const made = renew ? renewed(directory, host, Number(days)) : fresh(directory, host, Number(days))
  process.stdout.write(show(directory, made))
  return 0
}

function fresh(directory: string, hosts: readonly string[], days: number): CertificateSet {
  const there = present(directory)
  if (there.length > 0) {
    throw new DrydockError(
      `${directory} has ${there.join(', ')} already, and nothing is overwritten: --renew makes new certificates of the same authority, --dir makes all of them elsewhere`,
    )
  }
  const names = hosts.length > 0 ? hosts : [hostname(), ...ownAddresses()]
  const set = makeSet({ hosts: [...names, ...LOCAL], days, name: hostname() })
  writeNew(directory, set.files)
  return set
}

function renewed(directory: string, hosts: readonly string[], days: number): CertificateSet {
  const { authority, server } = FILES
  const ca = { pem: readPem(directory, authority.certificate), key: readPem(directory, authority.key) }
  const names = hosts.length > 0 ? [...hosts, ...LOCAL] : hostsIn(readPem(directory, server.certificate))
  const set = renewSet(ca, { hosts: names, days })
  writeOver(directory, set.files)
  return set
}

function show(directory: string, { hosts, until, authorityUntil }: CertificateSet): string {
  const at = (file: string) => join(directory, file)
  const { authority, server, client } = FILES
  const [first = ''] = hosts
  const address = first.includes(':') ? `[${first}]` : first
  const rows = [
    [authority.certificate, `the authority that both sides know each other by, until ${day(authorityUntil)}`],
    [authority.key, 'its key: whoever has it can make clients. No engine and no client needs it; keep it apart'],
    [server.certificate, `the engine as ${hosts.join(', ')}, until ${day(until)}`],
    [server.key, ''],
    [client.certificate, `a client, until ${day(until)}`],
    [client.key, 'whoever has it is root where the engine runs'],
  ]
  return [
    `In ${directory}:`,
    ...rows.map(([file = '', words = '']) => `  ${file.padEnd(16)} ${words}`.trimEnd()),
    '',
    'The engine:',
    `  drydock daemon -H tcp://${address}:2376 --tlsverify \\`,
    `    --tlscacert ${at(authority.certificate)} --tlscert ${at(server.certificate)} --tlskey ${at(server.key)}`,
    `A client, on any machine that has ${authority.certificate}, ${client.certificate} and ${client.key} in a directory:`,
    `  export DOCKER_HOST=tcp://${address}:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${directory}`,
    '',
  ].join('\n')
}
