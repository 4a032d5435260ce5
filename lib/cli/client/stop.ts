/** `drydock stop`: containers end, kindly at first. */
import { queryOnly } from '../engine/client.js'
import { GoCommand, whole } from '../flags.js'
import { toEach, verb } from './verb.js'

export interface StopFlags {
  readonly signal?: string
  readonly timeout?: number
}

/** Those of `restart` too. */
export const addStopFlags = (command: GoCommand): GoCommand =>
  command
    .option('-s, --signal <signal>', 'what ends them kindly')
    .addOption(whole('-t, --timeout <seconds>', 'until they are killed; -1: never'))
    .alsoSpelled('--time', '--timeout')

export const stopQuery = ({ signal, timeout }: StopFlags): object => queryOnly({ ...(signal && { signal }), t: timeout })

export const stop = verb<StopFlags>(
  (path) =>
    addStopFlags(
      new GoCommand(path)
        .description('End containers, kindly at first.')
        .usage('[OPTIONS] CONTAINER [CONTAINER...]')
        .argument('<container...>', 'names or ids'),
    ),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    return toEach(args, (word) => engine.ask(engine.container(word).stop(stopQuery(options))))
  },
)
