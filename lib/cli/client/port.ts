/** `drydock port`: which ports of the host lead to a container. */
import { DrydockError } from '../../kernel/errors.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

export const port = verb(
  (path) =>
    new GoCommand(path)
      .description('Show which ports of the host lead to a container.')
      .usage('CONTAINER [PRIVATE_PORT[/PROTO]]')
      .argument('<container>', 'its name or its id')
      .argument('[port]', 'only this port of its own'),
  async ({ args, engine: open }) => {
    const [word = '', wanted] = args
    const engine = await open()
    const { NetworkSettings } = await engine.ask(engine.container(word).inspect())
    const ports = NetworkSettings.Ports ?? {}
    if (wanted !== undefined) {
      const key = wanted.includes('/') ? wanted : `${wanted}/tcp`
      const found = ports[key]
      if (!found || found.length === 0) throw new DrydockError(`Error: No public port '${wanted}' published for ${word}`, { status: 404 })
      process.stdout.write(found.map((one) => `${address(one)}\n`).join(''))
      return 0
    }
    const lines = Object.entries(ports).flatMap(([inside, outside]) => (outside ?? []).map((one) => `${inside} -> ${address(one)}`))
    process.stdout.write(
      lines
        .sort(naturally)
        .map((line) => `${line}\n`)
        .join(''),
    )
    return 0
  },
)

const address = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }): string =>
  `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`

const naturally = new Intl.Collator('en', { numeric: true }).compare
