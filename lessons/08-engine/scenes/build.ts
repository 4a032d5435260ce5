/** A build, first by hand and then by its name: run, commit, and once more from what came of it. */
import { clone3, host, mkdir } from '../../../lib/index.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { contentOf, file, filesBelow } from '../../04-rootfs/looks.js'
import type { Engine } from '../client.js'
import { drydock, openEngine } from '../engine.js'
import { IMAGE } from '../image.js'

const DIRECTORY = '/harbour'
const NOTES = '/notes'

/** The lines of a Dockerfile that run something. */
const commandsFor = (word: string): string[] => [`echo ${word} > ${NOTES}`, `echo and so on >> ${NOTES}`]

const dockerfile = (commands: readonly string[]): string => [`FROM ${IMAGE}`, ...commands.map((command) => `RUN ${command}`), ''].join('\n')

export async function runAndKeep(stage: Stage): Promise<void> {
  const running = await openEngine(stage)
  if (!running) return
  const { engine } = running
  const commands = commandsFor(newName('ship'))
  await byHand(stage, engine, commands)
  await stage.say(
    'Twice the same four requests, each time from the image that came of the ones before. That is a loop; and a Dockerfile is the list that it goes through.',
  )
  const box = await stage.box('builder')
  await written(box, dockerfile(commands))
  const first = await built(stage, `drydock build ${DIRECTORY}`)
  await stage.look('What it said of containers and images', () => rowsOf(first))
  const [all, last, none] = ['two, as before', 'one: the last line', 'none'] as const
  await stage.predict({
    question: 'The same command again, on the same file. How many containers are run this time?',
    choices: [all, last, none],
    async measure() {
      const again = ranIn(await built(stage, `drydock build ${DIRECTORY}, again`))
      return again === 2 ? all : again === 1 ? last : none
    },
    because:
      'Each image says from which one it was made, and by which words. The engine looks among the children of the image at hand for one with these very words, and is done. Nobody has looked whether the command would do the same today: `RUN apt-get update` from the cache is the list of that day.',
  })
  const [changed, both] = ['one: the line that was changed', 'two: that line, and all that follow'] as const
  await written(box, dockerfile([`${commands[0]} # changed`, commands[1] as string]))
  await stage.predict({
    question: 'Now the _first_ of the two lines is another one. How many are run?',
    choices: [none, changed, both],
    async measure() {
      const ran = ranIn(await built(stage, `drydock build ${DIRECTORY}, with another first line`))
      return ran === 2 ? both : ran === 1 ? changed : none
    },
    because:
      'What came of the first line is another image now, and that one has no children. So people write into a Dockerfile first what seldom changes; and `COPY . .` near its end, since it is another line as soon as any file is another (there it is the sum of the files that is compared).',
  })
}

/** By requests, as the exercise `create` makes them; the last is `POST /commit`. */
async function byHand(stage: Stage, engine: Engine, commands: readonly string[]): Promise<void> {
  const { bottle } = stage
  const rows: LookRow[] = []
  let image = IMAGE
  let upper = ''
  for (const command of commands) {
    const id = await engine.run({ Image: image, Cmd: ['sh', '-c', command] }, newName('step'))
    await engine.must('POST', `/containers/${id}/wait`)
    const { GraphDriver } = await engine.inspect(id)
    upper = GraphDriver.Data?.UpperDir ?? ''
    const { Id } = (await engine.must('POST', `/commit?container=${id}`)) as { readonly Id: string }
    rows.push(
      { label: 'create, start, wait', value: `from ${short(image)}: sh -c '${command}'` },
      { label: 'commit', value: `its layer is kept: ${short(Id)}`, notice: true },
    )
    image = Id
  }
  await stage.look('By hand', () => rows)
  await stage.look('In the layer of the second container', () =>
    filesBelow(bottle.hostPath(upper))
      .filter(({ stat }) => stat.isFile())
      .map(({ path }) => ({ label: `/${path}`, value: JSON.stringify(contentOf(`${bottle.hostPath(upper)}/${path}`)) })),
  )
}

async function written(box: Box, text: string): Promise<void> {
  await box.together(
    `${DIRECTORY}/Dockerfile`,
    host([mkdir(DIRECTORY, 0o755, { allow: ['EEXIST'] }), ...file(`${DIRECTORY}/Dockerfile`, text)]),
  )
}

/** What the command has printed. */
async function built(stage: Stage, title: string): Promise<string> {
  const box = await stage.box('build')
  await box.together(title, [clone3([]), drydock(['build', DIRECTORY])])
  await box.exited()
  return box.output()
}

const short = (image: string): string => image.replace('sha256:', '').slice(0, 12)

const ranIn = (text: string): number => text.match(/---> Running in/g)?.length ?? 0

const rowsOf = (text: string): LookRow[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .flatMap((line) => {
      const [, ran] = /^---> Running in ([0-9a-f]{12})/.exec(line) ?? []
      if (ran !== undefined) return [{ label: 'a container', value: ran }]
      const [, made] = /^---> ([0-9a-f]{12})/.exec(line) ?? []
      return made === undefined ? [] : [{ label: 'an image', value: made, notice: true }]
    })
