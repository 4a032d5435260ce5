/**
 * The life of a daemon: the engine is opened, then it is reached; a signal ends it, containers go on.
 *
 *     SIGTERM, SIGINT   end; a second SIGINT ends at once        SIGHUP   read the file again
 */
import { type Api, checkFree, createApi, type Endpoint, type Listener } from '../../api/index.js'
import type { EngineSettings } from '../../engine/context.js'
import type { EngineNouns } from '../../engine/types.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { DaemonLog } from './log.js'

/** What of an engine can be changed while it runs. */
export type Reloadable = Pick<EngineSettings, 'labels' | 'registryMirrors' | 'insecureRegistries' | 'debug'>

export interface ServedEngine extends EngineNouns {
  reload(settings: Reloadable): void
  /** Containers go on. */
  close(): Promise<void>
}

export interface Service {
  readonly log: DaemonLog
  readonly endpoints: readonly Endpoint[]
  open(): Promise<ServedEngine>
  /** Read the file again; throws a sentence and changes nothing. */
  reread(): Reloadable
  /** It can be reached. */
  onReady(): void
}

/** Until a signal ends it; the exit status. Fails with one sentence when it cannot begin. */
export async function serve(service: Service): Promise<number> {
  const { log, endpoints } = service
  const signals = new Signals()
  // Before anything is begun: an engine brings containers back to life.
  for (const endpoint of endpoints) await checkFree(endpoint)
  const engine = await service.open()
  const listeners: Listener[] = []
  try {
    const api = await createApi(engine, log.say)
    await listenAll(api, endpoints, listeners)
    for (const { address } of listeners) log.say('info', `API listen on ${address}`)
    service.onReady()
    signals.onReload = () => reload(service, engine)
    log.say('info', `${await signals.end}: stopping; containers go on`)
  } finally {
    for (const listener of listeners) await listener.close()
    await engine.close()
  }
  log.say('info', 'stopped')
  return 0
}

async function listenAll(api: Api, endpoints: readonly Endpoint[], listeners: Listener[]): Promise<void> {
  for (const endpoint of endpoints) listeners.push(await api.listen(endpoint))
}

function reload({ log, reread }: Service, engine: ServedEngine): void {
  try {
    const settings = reread()
    engine.reload(settings)
    log.say('info', 'the configuration was read again')
  } catch (error) {
    log.say('error', `the configuration stays as it was: ${sentenceOf(error)}`)
  }
}

/** Exit status of a shell for who was ended by SIGINT. */
const INTERRUPTED = 130

class Signals {
  /** Its name. */
  readonly end: Promise<NodeJS.Signals>
  onReload: () => void = () => undefined

  constructor() {
    let ending = false
    this.end = new Promise((resolve) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) {
        process.on(name, () => {
          if (ending && name === 'SIGINT') process.exit(INTERRUPTED)
          ending = true
          resolve(name)
        })
      }
    })
    process.on('SIGHUP', () => this.onReload())
  }
}
