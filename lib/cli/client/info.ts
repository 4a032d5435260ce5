/** `drydock info`: all about the engine. */
import { VERSION } from '../../kernel/version.js'
import { GoCommand } from '../flags.js'
import { goJson } from '../format/index.js'
import { type Info, infoLines } from './info-lines.js'
import { templateOf } from './template.js'
import { verb } from './verb.js'

export const info = verb<{ readonly format?: string }>(
  (path) =>
    new GoCommand(path)
      .description('Show all about the engine.')
      .usage('[OPTIONS]')
      .option('-f, --format <format>', 'json, or a Go template: {{.ServerVersion}}'),
  async ({ options: { format }, engine: open }) => {
    const engine = await open()
    const found = (await engine.ask(engine.docker.info())) as Info
    const whole = { ...found, ClientInfo: { Debug: false, Version: VERSION, Context: 'default', Plugins: [], Warnings: null } }
    if (format === undefined) {
      process.stdout.write(infoLines(found, VERSION))
      for (const warning of found.Warnings ?? []) process.stderr.write(`${warning}\n`)
    } else process.stdout.write(`${format === 'json' ? goJson(whole) : templateOf(format)(whole)}\n`)
    return 0
  },
)
