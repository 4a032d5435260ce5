/** What stands before the verb: which engine is meant, or none. */
import { type Endpoint, type GlobalFlags, resolveEndpoint } from './engine/endpoint.js'
import { GoCommand, list } from './flags.js'
import { parseVerb } from './verb.js'

interface Flags extends GlobalFlags {
  /** False after --no-engine. */
  readonly engine: boolean
  readonly version?: boolean
  readonly debug?: boolean
}

export interface Globals {
  readonly flags: Flags
  /** The verb and what follows it. */
  readonly words: readonly string[]
  /** The verbs are to work on the data root themselves. */
  readonly alone: boolean
}

/** The command line's first words; or the exit status when they are wrong. */
export function parseGlobals(argv: readonly string[]): Globals | { readonly status: number } {
  const parsed = parseVerb<Flags>(globalCommand(), argv)
  if ('status' in parsed) return parsed
  const { options: flags, args: words } = parsed
  if (flags.config !== undefined) process.env.DOCKER_CONFIG = flags.config
  return { flags, words, alone: !flags.engine || process.env.DRYDOCK_ENGINE === 'none' }
}

export function globalCommand(): GoCommand {
  const command = new GoCommand('drydock')
    .usage('[OPTIONS] COMMAND')
    .argument('[words...]')
    .passThroughOptions()
    .option('--config <directory>', 'where docker’s config.json is; ~/.docker otherwise')
    .option('-c, --context <name>', 'the engine of a context of docker’s')
    .option('-D, --debug', 'errors with all that led to them')
    .addOption(list('-H, --host <address>', 'the engine: unix:///path, tcp://host:port, ssh://user@host'))
    .option('-l, --log-level <level>', 'taken for docker’s sake')
    .option('--no-engine', 'ask none: the verbs work on the data root themselves')
    .option('--tls', 'TLS, whoever it is that answers')
    .option('--tlscacert <file>', 'who signs certificates of engines; ca.pem otherwise')
    .option('--tlscert <file>', 'this client’s certificate; cert.pem otherwise')
    .option('--tlskey <file>', 'its key; key.pem otherwise')
    .option('--tlsverify', 'TLS, with an engine that proves who it is')
    .option('-v, --version', 'which drydock this is')
  return command as GoCommand
}

/** Rejects with DrydockError. */
export const endpointOf = ({ flags }: Globals): Promise<Endpoint> => resolveEndpoint(flags)
