/**
 * `drydock daemon`: the engine, for docker's command line and every other client of the Engine API.
 *
 *     settings.ts   flags and the file            hosts.ts   where it is reached, TLS, groups
 *     serve.ts      its life, signals             log.ts     what it says
 *     terminals.ts  how it leaves the terminal that it was started from
 */
import { Command, Option } from 'commander'
import { logOf, withDefaultLog } from '../../engine/request/log.js'
import { withOptions } from '../../image/registry/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { parsePrefix } from '../../kernel/ip.js'
import { dataRoot } from '../../kernel/places.js'
import { parseVerb, repeated } from '../verb.js'
import { hostsOf } from './hosts.js'
import { DaemonLog } from './log.js'
import { PidFile } from './pid-file.js'
import { remap } from './remap.js'
import { type Reloadable, type ServedEngine, serve } from './serve.js'
import { defaultFile, type Settings, settingsOf, toldByFile, toldByFlags } from './settings.js'
import { leaveTerminals } from './terminals.js'

/** What is needed to open an engine. */
export interface EngineRequest extends Reloadable {
  readonly dataRoot?: string
  readonly bip?: string
  readonly logDriver?: string
  readonly logOptions?: Readonly<Record<string, string>>
  readonly init?: boolean
  readonly log: DaemonLog['say']
}

export type OpenEngine = (request: EngineRequest) => Promise<ServedEngine>

/** Ends with the daemon. `open`: how an engine comes to be. */
export async function runDaemon(argv: readonly string[], open: OpenEngine, onReady: () => void = () => undefined): Promise<number> {
  const parsed = parseVerb<Readonly<Record<string, unknown>>>(daemonCommand(), argv)
  if ('status' in parsed) return parsed.status
  const named = parsed.options.configFile as string | undefined
  const file = named ?? defaultFile()
  const flags = toldByFlags(parsed.options)
  const read = () => checked(settingsOf(flags, toldByFile(file, named !== undefined), file))
  const settings = read()
  // Whoever needs these places asks places.ts, here and in the programs that are started.
  if (settings.execRoot !== undefined) process.env.DRYDOCK_RUN_DIR = settings.execRoot
  const { bip, logDriver, logOptions, init, usernsRemap } = settings
  const root = usernsRemap === undefined ? settings.dataRoot : remap(usernsRemap, settings.dataRoot ?? dataRoot())
  if (root !== undefined) process.env.DRYDOCK_DATA_ROOT = root
  leaveTerminals()
  const { endpoints, warnings } = hostsOf(settings)
  const log = new DaemonLog(settings.level)
  for (const warning of warnings) log.say('warn', warning)
  const pidFile = settings.pidfile === undefined ? undefined : PidFile.write(settings.pidfile)
  const place = {
    ...(root !== undefined && { dataRoot: root }),
    ...(bip !== undefined && { bip }),
    ...(logDriver !== undefined && { logDriver }),
    ...(logOptions && { logOptions }),
    ...(init !== undefined && { init }),
  }
  try {
    return await serve({
      log,
      endpoints,
      open: () => open({ ...reloadable(settings), ...place, log: log.say }),
      onReady,
      reread: () => {
        const again = read()
        log.level = again.level
        return reloadable(again)
      },
    })
  } finally {
    pidFile?.remove()
  }
}

const reloadable = ({ labels, registryMirrors, insecureRegistries, debug }: Settings): Reloadable => ({
  labels,
  registryMirrors,
  insecureRegistries,
  debug,
})

/** Throws a sentence for registries and networks that are none. */
function checked(settings: Settings): Settings {
  const { registryMirrors, insecureRegistries, bip } = settings
  withOptions({ mirrors: [], insecure: [], certificates: [] }, { mirrors: registryMirrors, insecure: insecureRegistries })
  if (bip !== undefined) checkBip(bip)
  // What would be wrong for each container is said now.
  logOf(withDefaultLog({}, settings))
  return settings
}

function checkBip(bip: string): void {
  const wrong = (words: string) =>
    new DrydockError(`--bip ${bip}: it is the address of the bridge and the bits of its network, such as 10.9.8.1/24${words}`)
  if (!bip.includes('/')) throw wrong('')
  const { family, length } = parsePrefix(bip)
  if (family !== 4) throw wrong('; IPv4 only')
  if (length < 8 || length > 29) throw wrong('; 8 to 29 bits')
}

/** `--tls`, `--tls=false` */
const onOff = (flag: string, text: string) =>
  new Option(`${flag} [boolean]`, text).argParser((value: string) => {
    const meant = { true: true, '1': true, false: false, '0': false }[value.toLowerCase()]
    if (meant === undefined) throw new DrydockError(`invalid argument "${value}" for "${flag}" flag: it is true or false`, { status: 400 })
    return meant
  })

function daemonCommand(): Command {
  return new Command('drydock daemon')
    .description('Run the engine, for docker’s command line and all other clients of the Docker Engine API.')
    .usage('[OPTIONS]')
    .addOption(
      repeated('-H, --host <address>', 'where it is reached: unix:///path, tcp://ADDRESS:PORT; more than once for several').default([]),
    )
    .option('-G, --group <name>', 'who may use the unix socket: docker, where there is such a group')
    .option('--data-root <directory>', 'where containers, images and volumes are kept')
    .option('--exec-root <directory>', 'where sockets of what runs are')
    .option('-p, --pidfile <file>', 'write the process id there')
    .option('--config-file <file>', `docker’s keys as JSON (${defaultFile()}, if there is one)`)
    .addOption(repeated('--registry-mirror <url>', 'ask here before Docker Hub'))
    .addOption(repeated('--insecure-registry <host>', 'HOST[:PORT] or a network that may do without TLS'))
    .addOption(repeated('--label <name=value>', 'a label of the engine, which docker info shows'))
    .option('--bip <address/bits>', 'the address of the default bridge, and its network')
    .addOption(onOff('--tls', 'TLS on TCP; =false: none, and everybody is root'))
    .addOption(onOff('--tlsverify', 'TLS, and let in only whom the authority knows'))
    .option('--tlscacert <file>', 'the authority of the clients (ca.pem of ~/.docker)')
    .option('--tlscert <file>', 'the certificate of the engine (cert.pem)')
    .option('--tlskey <file>', 'its key (key.pem)')
    .option('--log-driver <name>', 'where output of containers is kept that do not say: json-file, local, none')
    .addOption(repeated('--log-opt <name=value>', 'an option of that'))
    .addOption(onOff('--init', 'run an init in containers that do not say'))
    .option('--userns-remap <user>', 'containers in user namespaces with the ids of USER[:GROUP] in /etc/subuid; or default')
    .option('-l, --log-level <level>', 'debug, info, warn, error or fatal')
    .addOption(onOff('-D, --debug', 'tell all'))
}
