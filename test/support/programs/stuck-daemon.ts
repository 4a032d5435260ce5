/** A daemon whose engine does not come to its end: what a second SIGINT is for. */
import { runDaemon } from '../../../lib/cli/daemon/index.js'
import { fakeEngine } from '../fake-engine.js'

const stuck = () => new Promise<void>((resolve) => setTimeout(resolve, 2 ** 31 - 1))

process.exitCode = await runDaemon(process.argv.slice(2), async () => ({ ...fakeEngine({}), reload: () => undefined, close: stuck }))
