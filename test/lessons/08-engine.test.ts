/** Lesson 8: its exercises in both directions, the mistakes that people make, the commands in its text, and what it reads along. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { marked } from 'marked'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { framesIn, headInHex } from '../../lessons/08-engine/frames.js'
import { parseAnswer, question } from '../../lessons/08-engine/http.js'
import lesson from '../../lessons/08-engine/lesson.js'
import { Listener } from '../../lessons/08-engine/listener.js'
import { wire } from '../../lessons/08-engine/wire.js'
import { Bottle } from '../../lib/bottle.js'
import { clone, clone3, execve, host, mkdir, mount } from '../../lib/index.js'
import { checkExercise, type Verdict } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { BoxStdio } from '../../lib/tutor/stdio.js'
import { type Verification, verifyLesson } from '../../lib/tutor/verify.js'
import { playAtTerminal } from '../support/lesson-terminal.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { DRYDOCK } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const needsBottle = requires('user-namespaces')

needsBottle('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
  const results = await verifyLesson(lesson)
  expect(results.filter(({ ok }) => !ok)).toEqual([])
  expect(results.length).toBe(lesson.exercises.length * 4)
  for (const { exercise, program, passed, saw } of results)
    if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
})

requires('command:setpriv', 'user-namespaces')('the same for an ordinary user, in a user namespace', { timeout: 240_000 }, async () => {
  const argv = ['node', '--import', 'tsx', 'test/support/programs/verify-lesson.ts', 'lessons/08-engine']
  const { stdout, stderr } = await runAsOrdinaryUser(argv)
  expect(stderr).toBe('')
  const results = JSON.parse(String(stdout)) as Verification[]
  expect(results.filter(({ ok, passed }) => !ok || passed === undefined)).toEqual([])
})

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-8-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const url = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
  let files = 0

  /** The verdict on a function with this body, with what the library and the solution export in scope. */
  async function verdictOn(id: string, body: string): Promise<Verdict> {
    const file = join(directory, `${id}-${files++}.mts`)
    const names = Object.keys(await import('../../lib/index.js')).filter((name) => new RegExp(`\\b${name}\\b`).test(body))
    const imports = `import { ${names.join(', ')} } from ${url('lib/index.ts')}\nimport * as solution from ${url('lessons/08-engine/solution.ts')}\n`
    writeFileSync(file, `${imports}export const ${id} = async (given: any) => { ${body} }\n`)
    return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, file)
  }

  const without = (call: string) => `return solution.server(given).filter(({ call }) => call !== '${call}')`

  for (const [what, body, saw, hint] of [
    ['nobody listens', without('listen'), /accept4.*EINVAL/s, 1],
    ['not for the group', without('fchownat'), /EACCES|has the mode|answered/, 2],
    [
      'for everybody',
      'return solution.server(given).map((one) => one.call === "fchmodat" ? chmod(given.path, 0o666) : one)',
      // He who may may come in between a refusal of the other and the new mode.
      /connected|has the mode 0666/,
      2,
    ],
    ['the question is left unread', without('read'), 'before the question had been read', 3],
    ['no HTTP', 'return solution.server(given).map((one) => one.call === "write" ? write(ref("caller"), given.text) : one)', 'not HTTP', 4],
    ['nobody is noted down', without('mkdirat'), 'has nothing in it', 5],
    [
      'somebody else is',
      'return solution.server(given).map((one) => one.call === "mkdirat" ? mkdir(given.log + "/1") : one)',
      'has 1 in it',
      5,
    ],
  ] as const) {
    needsBottle(`a server: ${what}`, { timeout: 240_000 }, async () => {
      const verdict = await verdictOn('server', body)
      expect(verdict.saw.join('\n')).toMatch(saw)
      expect(verdict).toMatchObject({ passed: false, hint })
    })
  }

  needsBottle('a server whose file has its mode a while after it was made is right', { timeout: 240_000 }, async () => {
    const late = 'return solution.server(given).flatMap((one) => one.call === "fchmodat" ? [nanosleep(1200), one] : [one])'
    expect(await verdictOn('server', late)).toMatchObject({ passed: true })
  })

  needsBottle('a file in the layer of another container', { timeout: 240_000 }, async () => {
    const verdict = await verdictOn('plant', 'return solution.plant({ ...given, container: given.other })')
    expect(verdict).toMatchObject({ passed: false, hint: 2, saw: [expect.stringContaining('was not meant'), expect.any(String)] })
  })

  needsBottle('a container that is another one', { timeout: 240_000 }, async () => {
    const verdict = await verdictOn('create', 'return solution.create({ ...given, seconds: 98765, hostname: "elsewhere" })')
    expect(verdict).toMatchObject({ passed: false, hint: 3 })
    expect(verdict.saw).toEqual([expect.stringContaining('`sleep 98765`'), expect.stringContaining('its host name is elsewhere')])
  })
})

describe('what is read along', () => {
  let home: string
  let server: Server | undefined
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'drydock-wire-'))
  })
  afterEach(() => {
    server?.close()
    rmSync(home, { recursive: true })
  })

  test('requests on one connection, byte by byte, with bodies of both kinds', () => {
    const listener = new Listener()
    const client =
      'POST /a?b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyPUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\nHEAD /d HTTP/1.1\r\n\r\n'
    for (const byte of Buffer.from(client)) listener.client(Buffer.of(byte))
    const engine =
      'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nOKHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    for (const byte of Buffer.from(engine)) listener.engine(Buffer.of(byte))
    expect(listener.exchanges).toEqual([
      { method: 'POST', path: '/a?b', status: 201, body: 'body' },
      { method: 'PUT', path: '/c', status: 204, body: 'one' },
      { method: 'HEAD', path: '/d', status: 200, body: '' },
    ])
  })

  test('a connection that leaves HTTP goes on, and one side of it ends first', async () => {
    const behind = join(home, 'engine')
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'))
      let heard = ''
      socket.on('data', (bytes: Buffer) => {
        heard += bytes
      })
      socket.on('end', () => socket.end(`you have said ${heard.split('\r\n\r\n')[1]}`))
    }).listen(behind)
    await once(server, 'listening')
    const between = await wire(join(home, 'between'), behind)
    const asked = request({
      socketPath: join(home, 'between'),
      method: 'POST',
      path: '/attach',
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    })
    asked.end()
    const [, connection] = await once(asked, 'upgrade')
    connection.end('all')
    const parts: Buffer[] = []
    for await (const part of connection) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe('you have said all')
    const [heard] = between.connections
    expect(between.exchanges).toEqual([{ method: 'POST', path: '/attach', status: 101, body: '' }])
    expect(Buffer.concat(heard?.raw.client ?? []).toString()).toBe('all')
    expect(Buffer.concat(heard?.raw.engine ?? []).toString()).toBe('you have said all')
    await between.close()
  })

  test('pieces of two streams', () => {
    const bytes = Buffer.from('\x01\0\0\0\0\0\0\x05fine\n\x02\0\0\0\0\0\0\x03no\n\x01\0\0\0\0\0\0\x09cut', 'latin1')
    const frames = framesIn(bytes)
    expect(frames.map(({ stream, bytes: piece }) => [stream, piece.toString()])).toEqual([
      [1, 'fine\n'],
      [2, 'no\n'],
    ])
    expect(frames.map(headInHex)).toEqual(['01 00 00 00 00 00 00 05', '02 00 00 00 00 00 00 03'])
  })

  test('answers, and what is none', () => {
    expect(question('POST', '/x', { a: 'é' })).toBe(
      'POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{"a":"é"}',
    )
    expect(parseAnswer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOKmore')).toMatchObject({ status: 200, body: 'OK' })
    expect(parseAnswer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n1\r\n!\r\n0\r\n\r\n')).toMatchObject({
      body: 'OK!',
    })
    expect(parseAnswer('HTTP/1.0 404 Not Found\r\n\r\n')).toMatchObject({ status: 404, body: '' })
    for (const none of ['', 'hello', '200 OK\r\n\r\n', 'HTTP/1.1 20\r\n\r\n']) expect(parseAnswer(none).status).toBeUndefined()
  })
})

requires('root', 'command:curl')('the commands in its text, where an engine listens in the usual place', { timeout: 120_000 }, async () => {
  const text = readFileSync(new URL('../../lessons/08-engine/README.md', import.meta.url), 'utf8')
  const commands = marked
    .lexer(text)
    .flatMap((token) => (token.type === 'code' && token.text.includes('/var/run/docker.sock') ? [token.text as string] : []))
  expect(commands.length).toBe(2)
  const bottle = await Bottle.open({ name: 'bottle' })
  try {
    const engine = await bottle.shim()
    const environment = [
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/engine',
      'DRYDOCK_DATA_ROOT=/engine/data',
      'DRYDOCK_RUN_DIR=/engine/run',
    ]
    const daemon = ['node', DRYDOCK, 'daemon', '-H', 'unix:///var/run/docker.sock']
    await engine.run([
      ...host([mkdir('/engine'), mount('tmpfs', '/engine', 'tmpfs')]),
      clone3([]),
      execve(process.execPath, daemon, environment),
    ])
    const script = `until curl -sf --unix-socket /var/run/docker.sock http://localhost/_ping; do sleep 0.05; done; ${commands.join('; ')}`
    const shim = await bottle.shim()
    const stdio = new BoxStdio(shim)
    await stdio.attempt([clone(), execve('/bin/sh', ['sh', '-c', script], environment)])
    await shim.exited
    expect(stdio.text).toMatch(/^OKsrw-rw---- [\s\S]*"ApiVersion":"1\.\d+"/)
  } finally {
    await bottle.close()
  }
})

needsBottle('at a terminal: steps, an answer to a question, what was measured, and away', { timeout: 120_000 }, () =>
  playAtTerminal({
    number: 8,
    begins: `1 of ${lesson.scenes.length}`,
    after: 'the kernel says',
    shows: ['both succeed at once'],
  }),
)
