/** `drydock completion SHELL`: a script by which the shell completes verbs, flags and names. */
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion = verb(
  (path) =>
    new GoCommand(path)
      .description('Print a script by which a shell completes words. In bash: source <(drydock completion bash)')
      .usage('bash|zsh|fish')
      .argument('<shell>', SHELLS.join(', ')),
  async ({ args }) => {
    const shell = SHELLS.find((name) => name === args[0])
    if (!shell) throw new DrydockError(`there is no completion for ${args[0]}: there is one for ${SHELLS.join(', ')}`, { status: 400 })
    const { tables } = await import('./completion/tables.js')
    const { script } = await {
      bash: () => import('./completion/bash.js'),
      zsh: () => import('./completion/zsh.js'),
      fish: () => import('./completion/fish.js'),
    }[shell]()
    process.stdout.write(script(await tables()))
    return 0
  },
)
