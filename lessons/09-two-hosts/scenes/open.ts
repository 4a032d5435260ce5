/** The article's command: an engine at a port, what it says about that, and a client that looks for it in the old place. */
import type { Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { SOCKET } from '../../08-engine/engine.js'
import { commandLine, type } from '../commands.js'
import { AT_SOCKET, able, daemon, remote, tcp, untilOpen } from '../engine.js'
import { twoHosts } from '../ground.js'
import { rawRows, readRows } from '../table.js'

export async function atAPort(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  if (!(await able(stage))) return
  const command = ['drydock', 'daemon', '-H', tcp(hosts)]
  const [starts, warns, refuses] = ['it starts', 'it starts, with a warning', 'it does not start'] as const
  await stage.predict({
    question: `On vm-1, the article’s command of 2015 in today’s words: \`${commandLine(command)}\`. What happens?`,
    choices: [starts, warns, refuses],
    async measure() {
      // An engine that would start after all has to be found out.
      const box = await daemon(stage, command.slice(2))
      const ended = box.exited().then(() => true)
      const opened = untilOpen(hosts, box).then(
        () => false,
        () => true,
      )
      if (await Promise.race([ended, opened])) return refuses
      return /warn/.test(box.output()) ? warns : starts
    },
    because:
      'In 2015 it started without a word. Docker’s own daemon warns today, waits a while so that one can think it over, and means to refuse some day. Drydock wants to be told that you know: `--tls=false`.',
  })
  const engine = await daemon(stage, [...command.slice(2), '--tls=false'])
  await untilOpen(hosts, engine)
  engine.hear()
  await stage.look('On vm-1, /proc/net/tcp, the first columns', () => rawRows(hosts.on('vm-1')))
  await stage.look('Read', () => readRows(hosts.on('vm-1')))
  if (findCommand('ss')) await type(stage, 'vm-1', ['ss', '-ltnp'])
  await stage.say('There is the line again, and this time an engine is behind it. Somebody on vm-1 asks it something, as always:')
  await type(stage, 'vm-1', ['drydock', ...AT_SOCKET, 'info'])
  await stage.say(
    `“Is the docker daemon running?” It is. It listens at one place, and the client has asked at another: \`${SOCKET}\`, where no file is. In the article the same message comes at the same moment, with the words _don’t panic_. From lesson 8 you know which of the two programs has said it.`,
  )
  await type(stage, 'vm-1', ['drydock', 'info', '--format', '{{.Name}}'], remote(hosts))
  await stage.say('`-H` names a place for one command, `DOCKER_HOST` for all that follow.')
}
