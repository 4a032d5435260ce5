/** `drydock daemon`: the engine, until a signal ends it. A bundle of its own (scripts/bundle.cjs): no other verb is to carry its server. */
import { Engine } from '../engine/index.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { runDaemon } from './daemon/index.js'

/** The exit status. `onReady` is called when it can be reached. */
export async function daemon(argv: readonly string[], onReady?: () => void): Promise<number> {
  try {
    return await runDaemon(argv, (options) => Engine.open(options), onReady)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock daemon: ${sentenceOf(error)}\n`)
    return 1
  }
}
