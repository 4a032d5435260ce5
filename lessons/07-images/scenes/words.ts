/** The same by a program: drydock pull, with the words that Docker has for what the scenes before have done by hand. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { clone3, execve, host, mkdir, mount } from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { LOWER } from '../hull.js'
import { imageOf } from '../image.js'
import { openRegistry, PLACE } from '../registry.js'
import { pack } from '../tar.js'

/** Where drydock keeps its things in the bottle. */
const DATA = '/store'
const PROGRAM = fileURLToPath(new URL('../../../scripts/drydock.cjs', import.meta.url))

export async function words(stage: Stage): Promise<void> {
  const { bottle } = stage
  if (![PROGRAM, process.execPath].every((path) => existsSync(bottle.hostPath(path)))) {
    return stage.say(
      'The checkout of drydock, or node, lies where a bottle does not see it (below /tmp, perhaps), so the command is not run here.',
    )
  }
  const ship = (name: string) =>
    imageOf([pack(LOWER), pack([{ path: 'name', type: 'file', content: `${name}\n` }])], { Cmd: ['/bin/helm'] })
  await openRegistry(stage, { 'harbour/gannet:latest': ship('gannet'), 'harbour/heron:latest': ship('heron') })
  const place = await stage.box('data root')
  await place.together('A data root for drydock, in memory', host([mkdir(DATA), mount('tmpfs', DATA, 'tmpfs', [], 'mode=755')]))
  const drydock = async (...args: string[]) => {
    const box = await stage.box('drydock')
    const environment = [
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      `HOME=${DATA}`,
      `DRYDOCK_DATA_ROOT=${DATA}/drydock`,
      'DRYDOCK_ENGINE=none',
      'NO_COLOR=1',
    ]
    const command = ['drydock', ...args]
    await box.together(command.join(' '), [clone3([]), execve(process.execPath, ['node', PROGRAM, ...args], environment)])
    const { code } = await box.exited()
    if (code !== 0) throw new DrydockError(`${command.join(' ')} ended with ${code}`)
  }
  const name = (image: string) => `${PLACE.address}:${PLACE.port}/harbour/${image}`
  await drydock('pull', name('gannet'))
  await stage.say('And another one, which stands on the same layer:')
  await drydock('pull', name('heron'))
  await drydock('images')
  await stage.look(`What is in its data root now`, () => [
    {
      label: 'blobs',
      value: `${below(`${DATA}/drydock/blobs/sha256`).length} files: manifests, configs, and layers, one of which both images have`,
    },
    { label: 'layers', value: `${below(`${DATA}/drydock/overlay`).length} directories`, notice: true },
  ])

  function below(path: string): string[] {
    return existsSync(bottle.hostPath(path)) ? readdirSync(bottle.hostPath(path)).filter((one) => !one.startsWith('.')) : []
  }
}
