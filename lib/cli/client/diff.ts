/** `drydock diff`: what a container has changed of its image's files. */
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

const KINDS = ['C', 'A', 'D'] as const

export const diff = verb(
  (path) =>
    new GoCommand(path)
      .description('Show which files a container has added (A), changed (C) and deleted (D).')
      .usage('CONTAINER')
      .argument('<container>', 'its name or its id'),
  async ({ args, engine: open }) => {
    const engine = await open()
    const found = (await engine.ask(engine.container(args[0] as string).changes())) as { Path: string; Kind: 0 | 1 | 2 }[] | null
    process.stdout.write((found ?? []).map(({ Kind, Path }) => `${KINDS[Kind]} ${Path}\n`).join(''))
    return 0
  },
)
