/** `drydock logs`: what a container has printed. */

import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { timestamp } from '../timestamp.js'
import { printOutput } from './streams.js'
import { verb } from './verb.js'

interface Flags {
  readonly details?: boolean
  readonly follow?: boolean
  readonly since?: string
  readonly tail: string
  readonly timestamps?: boolean
  readonly until?: string
}

export const logs = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show what a container has printed.')
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>', 'its name or its id')
      .option('--details', 'what the log driver adds too')
      .option('-f, --follow', 'go on with what it prints')
      .option('--since <moment>', 'later than 2026-01-31T10:00:00, or so long ago (42m)')
      .option('-n, --tail <lines>', 'only the last so many', 'all')
      .option('-t, --timestamps', 'when each line came')
      .option('--until <moment>', 'earlier than that'),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    const { Id, Config } = await engine.ask(engine.container(args[0] as string).inspect())
    await interruptible(async (signal) => {
      const stream = await engine.stream({
        method: 'GET',
        path: `/containers/${Id}/logs`,
        query: {
          stdout: 1,
          stderr: 1,
          tail: options.tail,
          ...(options.details && { details: 1 }),
          ...(options.follow && { follow: 1 }),
          ...(options.timestamps && { timestamps: 1 }),
          ...(options.since !== undefined && { since: timestamp(options.since) }),
          ...(options.until !== undefined && { until: timestamp(options.until) }),
        },
        signal,
      })
      await printOutput(stream, { tty: Config.Tty })
    })
    return 0
  },
)
