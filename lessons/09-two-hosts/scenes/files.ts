/** `-v`: a path, but of which machine? */
import { host, mkdir } from '../../../lib/index.js'
import { namesIfReadable } from '../../../lib/kernel/readable.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { file, statOf } from '../../04-rootfs/looks.js'
import { IMAGE } from '../../08-engine/image.js'
import { type } from '../commands.js'
import { open, openEngine, remote } from '../engine.js'
import { type Name, twoHosts } from '../ground.js'

const SHARED = '/run/harbour'
const ONLY_HERE = '/run/project'

/** Undefined where there is no such directory. */
const namesIn = (path: string): readonly string[] | undefined => (statOf(path) ? namesIfReadable(path) : undefined)

export async function whoseFiles(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  if (!(await openEngine(stage, open(hosts)))) return
  for (const name of ['vm-1', 'vm-2'] as const satisfies Name[]) {
    const box = await stage.box(`${name}, root`, { on: hosts.on(name) })
    const own = name === 'vm-2' ? [mkdir(ONLY_HERE), ...file(`${ONLY_HERE}/code`, 'my work\n')] : []
    await box.together(
      `On ${name}, a file ${SHARED}/whose${name === 'vm-2' ? `, and another one, ${ONLY_HERE}/code` : ''}`,
      host([mkdir(SHARED), ...file(`${SHARED}/whose`, `this is the file of ${name}\n`), ...own]),
    )
  }
  const bound = ['drydock', 'run', '--rm', '-v', `${SHARED}:/mnt`, IMAGE, 'cat', '/mnt/whose']
  const owners = ['vm-1', 'vm-2'] as const
  await stage.predict({
    question: `Both hosts have a file \`${SHARED}/whose\`, and each says whose it is. On vm-2: \`drydock run --rm -v ${SHARED}:/mnt ${IMAGE} cat /mnt/whose\`. Whose is it?`,
    choices: owners,
    async measure() {
      const { text } = await type(stage, 'vm-2', bound, remote(hosts))
      return owners.find((name) => text.includes(name)) ?? text
    },
    because:
      '`-v` is a bind mount (lesson 4), made by the process that becomes the container. The path went over the cable as a word, and was looked up where the mount was made.',
  })
  const [fails, sees, empty] = ['an error: there is no such directory', 'code', 'nothing: an empty directory'] as const
  await stage.predict({
    question: `\`${ONLY_HERE}\` with your work in it is on vm-2 only. \`drydock run --rm -v ${ONLY_HERE}:/mnt ${IMAGE} ls /mnt\`: what does \`ls\` show?`,
    choices: [fails, sees, empty],
    async measure() {
      const { code, text } = await type(
        stage,
        'vm-2',
        ['drydock', 'run', '--rm', '-v', `${ONLY_HERE}:/mnt`, IMAGE, 'ls', '/mnt'],
        remote(hosts),
      )
      return code !== 0 ? fails : text.includes('code') ? sees : empty
    },
    because:
      'No error, and that is worse than one: for `-v` an engine makes a directory that is missing, as Docker has done since the beginning. (`--mount type=bind` refuses instead. It is the better habit.)',
  })
  await stage.look(`${ONLY_HERE} now`, () =>
    owners.map((name) => {
      const names = namesIn(hosts.on(name).hostPath(ONLY_HERE))
      return {
        label: `on ${name}`,
        value: names ? `a directory with ${names.join(', ') || 'nothing'} in it` : 'not there',
        notice: name === 'vm-1',
      }
    }),
  )
  await stage.say(
    'What a client does send is what it packs up itself: the directory of `docker build`, a file of `docker cp`, an archive of `docker load`, what you type. `DOCKER_HOST` sends no files. It sends words.',
  )
}
