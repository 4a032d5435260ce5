/** The engine's API with nothing but connect, write and read; and then by its client. */
import { clone3 } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { drydock, openEngine, SOCKET } from '../engine.js'
import { ask, askByHand, block, question } from '../http.js'

export async function byHand(stage: Stage): Promise<void> {
  const running = await openEngine(stage, { image: false })
  if (!running) return
  const box = await stage.box('client')
  const ping = question('GET', '/_ping')
  await stage.say(`Is anybody there? Three lines and an empty one:${block(ping)}`)
  await askByHand(box, SOCKET, ping)
  await stage.say(
    '`OK`, and in the headers which version of the API it speaks. Every command of docker begins with this question. Now: who are you?',
  )
  const version = JSON.parse((await ask(box, SOCKET, question('GET', '/version'))).body ?? '{}') as Record<string, unknown>
  await stage.look('GET /version', () => rows(version, ['Version', 'ApiVersion', 'MinAPIVersion', 'Os', 'Arch', 'KernelVersion']))
  const info = JSON.parse((await ask(box, SOCKET, question('GET', '/info'))).body ?? '{}') as Record<string, unknown>
  await stage.look('GET /info', () =>
    rows(info, ['Name', 'Containers', 'ContainersRunning', 'Images', 'Driver', 'DockerRootDir', 'NCPU', 'KernelVersion']),
  )
  const [text, page, json] = ['a line of text', 'a page for a browser', 'JSON, with a sentence in it'] as const
  await stage.predict({
    question:
      'And what is not there? `GET /containers/nobody/json` asks for a container that nobody has made. The status is 404; what is the body?',
    choices: [text, page, json],
    async measure() {
      const { body = '' } = await ask(box, SOCKET, question('GET', '/containers/nobody/json'))
      await stage.say(`The body:${block(body, 'json')}`)
      return body.startsWith('{') ? json : body.startsWith('<') ? page : text
    },
    because:
      'That is how all errors look. What docker prints after `Error response from daemon:` is this sentence and nothing else; so you know from now on which of the two programs has spoken.',
  })
  await stage.say('The same questions by the program that is made for them:')
  const client = await stage.box('drydock')
  await client.together('drydock version', [clone3([]), drydock(['version'])])
  await client.exited()
  await stage.say(
    'Two parts, since two programs have answered: `Client` is the one that you started, and `Server` is what came out of the socket.',
  )
}

const rows = (document: Record<string, unknown>, names: readonly string[]) =>
  names.filter((name) => document[name] !== undefined).map((name) => ({ label: name, value: String(document[name]) }))
