/** From vm-2: the same questions, and the answers of vm-1; and two ways in at once. */
import { close, connect_inet, read, ref, socket, write } from '../../../lib/index.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { question } from '../../08-engine/http.js'
import { IMAGE } from '../../08-engine/image.js'
import { shellOn, type } from '../commands.js'
import { AT_SOCKET, open, openEngine, PORT, remote } from '../engine.js'
import { twoHosts } from '../ground.js'
import { rawRows, readRows } from '../table.js'

const CALL = ref('call')

export async function fromAfar(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  if (!(await openEngine(stage, open(hosts)))) return
  const far = remote(hosts)
  await stage.say('The engine on vm-1 listens at both: its file, and port 2375. You sit at vm-2 now.')
  await type(stage, 'vm-2', ['hostname'])
  const names = ['vm-2', 'vm-1'] as const
  await stage.predict({
    question: `On vm-2: \`DOCKER_HOST=${far.DOCKER_HOST} drydock info --format '{{.Name}}'\`. Which name is printed?`,
    choices: names,
    measure: async () => (await type(stage, 'vm-2', ['drydock', 'info', '--format', '{{.Name}}'], far)).text.trim(),
    because:
      '`info` is a question to the engine, and the engine has put its own name in the answer. So have all others: kernel, memory, storage driver, containers, images are those of vm-1. The client has added nothing but the paper.',
  })
  await stage.say('What went over the cable is what went through the file in lesson 8, to the letter. By hand:')
  const box = await stage.box('vm-2, by hand', { on: hosts.on('vm-2') })
  await box.step(
    socket('inet', 'stream', 0, { keep: CALL.ref }),
    connect_inet(CALL, hosts.address('vm-1'), PORT, { why: 'in lesson 8 there was a path here; nothing else is different' }),
  )
  await stage.look('The connection on vm-1, /proc/net/tcp', () => rawRows(hosts.on('vm-1')))
  await stage.look('The connection on vm-2, /proc/net/tcp', () => rawRows(hosts.on('vm-2')))
  await stage.say('One connection, two kernels’ tables: what is local here is remote there.')
  const results = await box.step(
    write(CALL, question('GET', '/_ping'), { why: 'in plain letters, for everybody who listens at the cable' }),
    read(CALL, 4096, { why: 'and so is the answer' }),
    close(CALL),
  )
  await stage.look('The answer’s first and last line', () => {
    const lines = textOf(results[1] as (typeof results)[number]).split('\r\n')
    return [
      { label: 'first', value: lines[0] ?? '' },
      { label: 'last', value: lines.at(-1) ?? '' },
    ]
  })
  await bothAtOnce(stage)
  if (findCommand('docker')) {
    await stage.say('And Docker’s own client, which is installed here, on vm-2:')
    await type(stage, 'vm-2', ['docker', 'ps', '--format', '{{.Names}} {{.Status}}'], far)
  }
  await stage.look('Connections on vm-1 now, without those that have ended', () => readRows(hosts.on('vm-1')))
  await shellOn(stage, 'vm-2', [
    { command: `export DOCKER_HOST=${far.DOCKER_HOST}`, why: 'from now on, in this shell' },
    { command: 'drydock info', why: 'whose name, whose kernel, whose memory?' },
    { command: `drydock run --rm -it ${IMAGE} sh`, why: 'a prompt of a container on the other machine; try hostname there' },
    { command: 'drydock ps -a', why: 'containers of vm-1' },
    { command: 'unset DOCKER_HOST; drydock ps -a', why: 'and those of vm-2, where an engine is started for that' },
  ])
}

/** Whichever door one comes through: one engine, one list. */
async function bothAtOnce(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  await stage.say(
    'Two ways in at once, one engine. On vm-1, through the file, somebody makes a container; on vm-2, through the port, somebody looks.',
  )
  await type(stage, 'vm-1', ['drydock', ...AT_SOCKET, 'run', '-d', '--name', 'whale', IMAGE, 'sleep', '1000'])
  await type(stage, 'vm-2', ['drydock', 'ps', '--format', '{{.Names}}: {{.Status}}'], remote(hosts))
}
