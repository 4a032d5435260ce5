/** `drydock volume create`. */
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand, list } from '../flags.js'
import { asMap, checkLabel } from './create/words.js'
import { verb } from './verb.js'

interface Flags {
  readonly driver: string
  readonly label: readonly string[]
  readonly name?: string
  readonly opt: readonly string[]
}

export const createVolume = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Make a volume.')
      .usage('[OPTIONS] [VOLUME]')
      .argument('[name]', 'of the volume; made up otherwise')
      .option('-d, --driver <name>', 'which driver makes it', 'local')
      .addOption(list('--label <name=value>', 'a label', checkLabel))
      .option('--name <name>', 'the same as the argument')
      .addOption(list('-o, --opt <name=value>', 'an option of the driver')),
  async ({ options: { driver, label, name, opt }, args, engine: open }) => {
    if (name !== undefined && args.length > 0)
      throw new DrydockError('conflicting options: cannot specify a volume-name through both --name and as a positional arg', {
        status: 400,
      })
    const engine = await open()
    const body = { Driver: driver, DriverOpts: asMap(opt), Labels: asMap(label), Name: args[0] ?? name ?? '' }
    const { Name } = await engine.call<{ Name: string }>({ method: 'POST', path: '/volumes/create', body })
    process.stdout.write(`${Name}\n`)
    return 0
  },
)
