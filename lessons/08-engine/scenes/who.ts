/** Who may ask: no engine, no right, and what the right is worth. */
import { writeFileSync } from 'node:fs'
import {
  child,
  chmod,
  chown,
  clone3,
  close,
  connect_unix,
  container,
  host,
  kill,
  open,
  ref,
  setgroups,
  setresgid,
  setresuid,
  socket,
} from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { missing } from '../../../lib/tutor/needs.js'
import { newName } from '../../01-namespaces/looks.js'
import { statOf } from '../../04-rootfs/looks.js'
import { list, openEngine, reopenEngine, SOCKET } from '../engine.js'
import { framesIn } from '../frames.js'
import { type Answer, ask, question } from '../http.js'
import { IMAGE } from '../image.js'

/** A user of the bottle, and the group that is let in. Nobody else has these numbers. */
const USER = 1000
const GROUP = 2375
const SECRET = '/root/secret'

export async function whoMayAsk(stage: Stage): Promise<void> {
  const first = await openEngine(stage)
  if (!first) return
  await first.box.step(host(kill(child, 'term', { why: 'the engine is stopped, as a service is' })))
  await first.box.exited()
  await list(stage)
  await stage.say('Which program has said that? The client: there was nobody else.')
  await reopenEngine(stage)
  const stat = statOf(stage.bottle.hostPath(SOCKET))
  await stage.look(`Who may write to ${SOCKET}`, () => [
    { label: 'mode', value: `0${((stat?.mode ?? 0) & 0o777).toString(8)}: its owner and its group, root and root`, notice: true },
  ])
  const [lack] = await missing(['several-ids'])
  if (lack)
    return stage.say(
      `Now somebody who is not root should come and be refused. But ${lack.why}, so that there is nobody else here; root’s view of this scene has him.`,
    )
  const user = await aUser(stage)
  await user.fails(container(connect_unix(ref('connection'), SOCKET, { why: 'an ordinary user knocks' })), 'EACCES')
  await stage.say(
    `That is \`permission denied while trying to connect to the Docker daemon socket\`. The article does what all do about it: a group, \`usermod -aG docker\`. Here the group has the number ${GROUP}.`,
  )
  const admin = await stage.box('root')
  await admin.step(host(chown(SOCKET, -1, GROUP, { why: 'the file belongs to the group now; the mode stays' })))
  await user.step(
    container(connect_unix(ref('connection'), SOCKET, { why: 'the same user, who is in that group, knocks again' })),
    container(close(ref('connection'))),
  )
  await whatItIsWorth(stage, user)
}

/** Somebody without any right but that of his group. */
async function aUser(stage: Stage): Promise<Box> {
  const box = await stage.box('user')
  await box.together(`A process of user ${USER}, who is in group ${GROUP}, and has no capability at all`, [
    clone3([]),
    ...container([
      setgroups([GROUP]),
      setresgid(USER, USER, USER),
      setresuid(USER, USER, USER),
      socket('unix', 'stream', 0, { keep: 'connection' }),
    ]),
  ])
  return box
}

async function whatItIsWorth(stage: Stage, user: Box): Promise<void> {
  const secret = newName('secret')
  const path = stage.bottle.hostPath(SECRET)
  writeFileSync(path, `${secret}\n`)
  const root = await stage.box('root of the bottle')
  await root.step(host(chmod(SECRET, 0o600, { why: 'a file that is root’s alone' })))
  await user.fails(container(open(SECRET, ['rdonly'], { why: 'the user tries it himself' })), 'EACCES')
  const create = question('POST', '/containers/create?name=friendly', {
    Image: IMAGE,
    Cmd: ['cat', `/host${SECRET}`],
    HostConfig: { Binds: ['/:/host:ro'], NetworkMode: 'none' },
  })
  await stage.say(
    'He cannot read it. But he may ask the engine for a container: one that has the directory `/` of the host bound to `/host` (`docker run -v /:/host`), and which runs `cat`. Four requests, by the user’s own hand: create, start, wait, and what it has printed.',
  )
  const [refused, denied, read] = [
    'the engine refuses to bind /',
    'the container may not read it either',
    'the user has the secret',
  ] as const
  await stage.predict({
    question: `What does the user get to read of \`${SECRET}\`?`,
    choices: [refused, denied, read],
    async measure() {
      const created = await ask(user, SOCKET, create)
      if (created.status !== 201) return refused
      await done(user, question('POST', '/containers/friendly/start'))
      await done(user, question('POST', '/containers/friendly/wait'))
      const { bytes } = await done(user, question('GET', '/containers/friendly/logs?stdout=1&stderr=1'))
      const said = framesIn(bytes)
        .map((frame) => frame.bytes.toString())
        .join('')
      await stage.look('What cat has printed', () => [{ label: 'logs of friendly', value: said.trim(), notice: true }])
      return said.includes(secret) ? read : denied
    },
    because:
      'The user has opened nothing. The engine has, on his word; it is root, and so is process 1 of the container on the files of the host. Who may write to this socket is root, in other words. It is no flaw: to make containers is what the engine is for. But a group `docker` is a second group `root`, and the same socket, mounted into a container, is root for that container.',
  })
}

/** A request that has to go well. */
async function done(box: Box, text: string): Promise<Answer> {
  const answer = await ask(box, SOCKET, text)
  if ((answer.status ?? 500) < 300) return answer
  throw new DrydockError(`${text.split(' HTTP/', 1)[0]}: the engine answers ${answer.status}: ${answer.body}`)
}
