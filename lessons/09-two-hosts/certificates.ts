/** `drydock tls` on vm-1, and the way of three files to vm-2. */
import { chmod, host, mkdir } from '../../lib/index.js'
import type { Stage } from '../../lib/tutor/lesson.js'
import { contentOf, file } from '../04-rootfs/looks.js'
import { quietly, type } from './commands.js'
import { TLS_PORT, tcp } from './engine.js'
import { type TwoHosts, twoHosts } from './ground.js'

/** Where they are made, and where a client looks for them by itself: both in memory, and gone with the hosts. */
export const MADE = '/run/certs'
export const CLIENT = '/run/docker'
/** What a client needs. */
const TAKEN = ['ca.pem', 'cert.pem', 'key.pem'] as const

const making = (hosts: TwoHosts, directory: string): string[] => [
  ...['drydock', 'tls', '--dir', directory],
  ...['--host', 'vm-1', '--host', hosts.address('vm-1')],
]

export const make = (stage: Stage, directory = MADE) => type(stage, 'vm-1', making(twoHosts(stage), directory))
export const makeQuietly = (hosts: TwoHosts, directory = MADE) => quietly(hosts, 'vm-1', making(hosts, directory))

/** The words for an engine that shows its certificate and asks for one. */
export const secured = (hosts: TwoHosts, directory = MADE): string[] => [
  ...['-H', tcp(hosts, TLS_PORT), '--tlsverify'],
  ...['--tlscacert', `${directory}/ca.pem`, '--tlscert', `${directory}/server-cert.pem`, '--tlskey', `${directory}/server-key.pem`],
]

/** One of the files that were made, as text. */
export const certificate = (hosts: TwoHosts, name: string, directory = MADE): string =>
  contentOf(hosts.on('vm-1').hostPath(`${directory}/${name}`)) ?? ''

/** To vm-2. Between machines it would be scp, or a stick; never the open port. */
export async function carry(stage: Stage, names: readonly (typeof TAKEN)[number][] = TAKEN, directory = CLIENT): Promise<void> {
  const hosts = twoHosts(stage)
  const box = await stage.box('vm-2, root', { on: hosts.on('vm-2') })
  await box.together(`To vm-2, into ${directory}: ${names.join(', ')}`, [
    host(mkdir(directory, 0o700, { allow: ['EEXIST'] })),
    ...names.flatMap((name) => host(file(`${directory}/${name}`, certificate(hosts, name)))),
    ...names.filter((name) => name === 'key.pem').map((name) => host(chmod(`${directory}/${name}`, 0o600))),
  ])
}
