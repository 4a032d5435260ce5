/** An engine of its own with a container and three execs: one for ever, one that ends when there is a file /go, one that has not begun. Then it waits to be killed. */
import { Engine } from '../../../lib/engine/index.js'
import { body } from '../engine.js'

const engine = await Engine.open({ dataRoot: process.argv[2] as string })
const { Id: container } = await engine.containers.create(body(['sleep', '1000']), {})
await engine.containers.start(container)
const [endless, short, ready] = await Promise.all(
  ['sleep 1000', 'while ! test -e /go; do sleep 0.01; done; exit 9', 'exit 4'].map(async (script) => {
    const { Id } = await engine.execs.create(container, { Cmd: ['sh', '-c', script], AttachStdout: true })
    return Id
  }),
)
await engine.execs.start(endless as string, { Detach: true })
await engine.execs.start(short as string, { Detach: true })
process.stdout.write(`${JSON.stringify({ container, endless, short, ready })}\n`)
setInterval(() => undefined, 1000)
