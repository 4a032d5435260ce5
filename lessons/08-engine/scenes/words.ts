/** The same engine, asked by docker's own command line, where there is one. */
import { clone3 } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { asClient, openEngine, SOCKET } from '../engine.js'
import { IMAGE } from '../image.js'

export async function words(stage: Stage): Promise<void> {
  const docker = findCommand('docker')
  if (docker === undefined) {
    return stage.say(
      `The program \`docker\` is not installed here, so this comparison is left out. (Debian’s package \`docker-cli\` or \`docker.io\` has it. Its daemon is not needed: the client speaks to this lesson’s engine.)`,
    )
  }
  const running = await openEngine(stage)
  if (!running) return
  const { engine } = running
  await engine.run({ Image: IMAGE, Cmd: ['sleep', '1000'] }, 'whale')
  await stage.say(`Here is Docker’s own client, \`${docker}\`, with \`DOCKER_HOST=unix://${SOCKET}\`. It has never heard of drydock.`)
  for (const line of ['version', 'ps --format {{.Names}}:{{.Status}}', `run --rm ${IMAGE} cat /etc/os-release`, 'exec whale ps']) {
    const box = await stage.box(`docker ${line.split(' ', 1)}`)
    await box.together(`docker ${line}`, [clone3([]), asClient(docker, ['docker', ...line.split(' ')])])
    await box.exited()
  }
  await stage.say('It cannot tell the difference, since all that it knows of an engine is what comes out of the socket.')
}
