/** Two containers over one lower layer: what each costs, what each sees, and what deleting saves. */
import { mkdirSync } from 'node:fs'
import { clone3, execve, host, mount, type Step } from '../../../lib/index.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, until } from '../../01-namespaces/looks.js'
import { bytesBelow, contentOf, directories, file, hashOf, layerRows, layersOption } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

const CARGO = 3_000_000

export async function twoShips(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const at = (path: string) => bottle.hostPath(path)
  const names = ['nina', 'pinta'] as const
  mkdirSync(at('/ships'))
  const boxes: Box[] = []
  const image = bytesBelow(at(WORLD))
  const costs = ['as much as the image: a copy each', 'nothing', 'only its programs are copied, since they run'] as const
  await stage.predict({
    question: `An image of ${(image / 1e6).toFixed(1)} MB, and two containers are started of it. How many bytes does each of them put on the disk by that?`,
    choices: costs,
    async measure() {
      for (const name of names) {
        const box = await stage.box(name)
        boxes.push(box)
        await box.together(`The container ${name}: an upper layer of its own over ${WORLD}`, [
          ...host(layersFor(name)),
          clone3(['mnt', 'pid']),
          ...overWorld(stage, name),
        ])
      }
      const written = names.reduce((sum, name) => sum + bytesBelow(at(`/ships/${name}/diff`)), 0)
      return written === 0 ? costs[1] : written >= image ? costs[0] : costs[2]
    },
    because:
      'Starting a container makes two or three empty directories and one mount. That is why it takes milliseconds, whatever the size of the image.',
  })
  const [one, other] = boxes as [Box, Box]
  await one.together(`${names[0]} writes a file, and changes one of the image`, [
    ...file('/log', 'land in sight\n'),
    ...file('/etc/os-release', 'NAME=Spain\n'),
  ])
  const who = ['both: the file is shared', `only ${names[0]}`, 'both, and every later container of the image'] as const
  const hash = hashOf(at(`${WORLD}/etc/os-release`))
  await stage.predict({
    question: `${names[0]} has overwritten \`/etc/os-release\`, a file of the image that both use. Who reads the new one?`,
    choices: who,
    async measure() {
      const seen = contentOf(`/proc/${other.hostPid()}/root/etc/os-release`)
      if (hashOf(at(`${WORLD}/etc/os-release`)) !== hash) return who[2]
      return seen?.includes('Spain') ? who[0] : who[1]
    },
    because:
      'It was copied up, into the upper layer of the one. The other has another upper layer over the same lower one, as two people can have their own tracing paper over one map.',
  })
  await stage.look('The two upper layers', () =>
    names.flatMap((name) => layerRows(at(`/ships/${name}/diff`)).map(({ label, value }) => ({ label: `${name}: ${label}`, value }))),
  )
  await heavier(stage)
}

/** A file that one layer brings and the next one deletes. */
async function heavier(stage: Stage): Promise<void> {
  const { bottle } = stage
  const at = (path: string) => bottle.hostPath(path)
  const name = 'santa-maria'
  const box = await stage.box(name)
  await box.together('A third container, whose image brings along a large file', [
    ...host([...layersFor(name), ...directories('/ships/cargo'), ...file('/ships/cargo/ballast', 'stone '.repeat(CARGO / 6))]),
    clone3(['mnt', 'pid']),
    ...overWorld(stage, name, ['/ships/cargo']),
  ])
  const layers = ['/ships/cargo', `/ships/${name}/diff`, WORLD]
  const sum = () => layers.reduce((total, layer) => total + bytesBelow(at(layer)), 0)
  const before = sum()
  const choices = ['smaller by the file', 'as large as before'] as const
  await stage.predict({
    question: `The container removes the large file, of ${CARGO / 1e6} MB, from its root. All its layers together are then …`,
    choices,
    async measure() {
      await box.step(execve('/bin/sh', ['sh', '-c', 'rm /ballast; echo /*; exec sleep 1000'], ENVIRONMENT, { why: 'rm, then a look' }))
      await until('the deletion', () => layerRows(at(`/ships/${name}/diff`)).some(({ label }) => label === 'ballast'))
      return sum() < before ? choices[0] : choices[1]
    },
    because:
      'The file is where it was, under a whiteout. So `RUN rm` in a Dockerfile makes no image smaller; what was brought by one line stays in that line’s layer, secrets included.',
  })
  await stage.look('Bytes in its layers', () => layers.map((layer) => ({ label: layer, value: String(bytesBelow(at(layer))) })))
}

const layersFor = (name: string): Step[] => directories(...['', '/diff', '/work', '/merged'].map((part) => `/ships/${name}${part}`))

/** Mounts private, the overlay, and in. */
function overWorld(stage: Stage, name: string, above: readonly string[] = []): Step[] {
  const ship = `/ships/${name}`
  return [
    mount(null, '/', null, ['rec', 'private']),
    mount(
      'overlay',
      `${ship}/merged`,
      'overlay',
      [],
      layersOption(stage.bottle, [...above, WORLD], { upper: `${ship}/diff`, work: `${ship}/work` }),
    ),
    ...leaveFor(`${ship}/merged`),
  ]
}
