/** Docker's own command line, unmodified, with a daemon of ours: what it prints, what it ends with, and that it never waits for what does not come. */
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Daemon, run } from '../support/daemon.js'
import { DRYDOCK, type Finished, onPrivateHost } from '../support/private-host.js'
import { TerminalSession } from '../support/terminal.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

const at = onPrivateHost('command:docker', 'command:tar')
const { test } = at

const argv = (...words: string[]) => [findCommand('docker') as string, '--host', 'unix:///run/drydock.sock', ...words]
const docker = (...words: string[]): Promise<Finished> => at.host.run(argv(...words))
const typed = (input: string, ...words: string[]): Promise<Finished> => at.host.run(argv(...words), { input })

/** A container without a network, with some of docker's words. */
const box = (...words: string[]) => ['--network', 'none', ...words]

let daemon: Daemon

async function start(): Promise<void> {
  daemon = run(at.host.enter([process.execPath, DRYDOCK, 'daemon', '--pidfile', '/run/drydock.pid']))
  await daemon.until(/API listen on unix:\/\/\/run\/drydock\.sock/)
}

/** Its status. What is ended is the daemon: nsenter, which waits for it, would not tell it of a signal. */
async function stop(): Promise<number | string> {
  await at.host.run(['sh', '-c', 'kill "$(cat /run/drydock.pid)"'])
  return (await daemon.ended).status
}

beforeAll(async () => {
  if (!at.able || !findCommand('docker')) return
  await start()
  const script = `tar -C "$1" -c . | "$2" --host unix:///run/drydock.sock import - box`
  expect(await at.host.run(['sh', '-c', script, 'sh', at.root.path, argv()[0] as string])).toMatchObject({ exitCode: 0 })
})
afterAll(async () => {
  if (!daemon) return
  const { stdout } = await docker('ps', '-aq')
  if (stdout !== '') await docker('rm', '-f', ...stdout.split('\n'))
  await stop()
})

describe('run', () => {
  test('prints, reads and ends as the program does', async () => {
    expect(await docker('run', '--rm', ...box('box', 'sh', '-c', 'echo hi; echo there >&2'))).toEqual({
      exitCode: 0,
      stdout: 'hi',
      stderr: 'there',
    })
    expect(await typed('input', 'run', '--rm', '-i', ...box('box', 'sh', '-c', 'cat; exit 7'))).toEqual({
      exitCode: 7,
      stdout: 'input',
      stderr: '',
    })
    // A megabyte there and back.
    const much = 'x'.repeat(1_000_000)
    expect((await typed(much, 'run', '--rm', '-i', ...box('box', 'cat'))).stdout).toBe(much)
    expect((await docker('ps', '-aq')).stdout).toBe('')
  })

  test('ends by 127, 126 and 125 for what could not be started, says why once, and leaves nothing', async () => {
    for (const [program, status, words] of [
      ['/nonexistent', 127, /no such file or directory/],
      ['nonexistent', 127, /executable file not found in \$PATH/],
      ['/etc', 126, /permission denied/],
    ] as const) {
      const { exitCode, stdout, stderr } = await docker('run', '--rm', ...box('box', program))
      expect([program, exitCode, stdout]).toEqual([program, status, ''])
      expect(stderr).toMatch(words)
      expect(stderr.match(/exec: /g)).toHaveLength(1)
    }
    expect((await docker('run', '--memory', '1k', ...box('box', 'true'))).exitCode).toBe(125)
    expect((await docker('ps', '-aq')).stdout).toBe('')
  })

  test('events come in docker’s order', async () => {
    const before = Math.floor(Date.now() / 1000)
    await docker('run', '--rm', '--name', 'seen', ...box('box', 'sh', '-c', 'exit 2'))
    const until = String(Math.ceil(Date.now() / 1000))
    const format = '{{.Type}} {{.Action}} {{index .Actor.Attributes "exitCode"}}'
    const { stdout } = await docker('events', '--since', String(before), '--until', until, '--filter', 'container=seen', '--format', format)
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      'container create',
      'container attach',
      'container start',
      'container die 2',
      'container destroy',
    ])
  })

  test('on a terminal of the right size; its keys leave, and lead back', async () => {
    const [file, ...words] = at.host.enter(argv('run', '-it', '--name', 'tty', '-e', 'PS1=in# ', ...box('box', 'sh')))
    const session = new TerminalSession(file as string, words, { cols: 101, rows: 33 })
    await session.see('in# ')
    // An older client tells the size when the program runs.
    session.type('until [ "$(stty size)" = "33 101" ]; do :; done; stty size; kept=word\r')
    await session.see('33 101\n')
    await session.see('in# ')
    session.type('\x10\x11')
    expect(await session.ended()).toBe(0)
    const [again, ...more] = at.host.enter(argv('attach', 'tty'))
    const back = new TerminalSession(again as string, more, { cols: 80, rows: 24 })
    back.type('echo "<$kept>"; exit 3\r')
    await back.see('<word>')
    expect(await back.ended()).toBe(3)
    await docker('rm', 'tty')
  })
})

describe('a container that runs on', () => {
  beforeAll(async () => {
    if (at.able && daemon) await docker('run', '-d', '--name', 'web', ...box('-l', 'a=b', 'box', 'sleep', '1000'))
  })

  test('exec has streams and statuses of its own', async () => {
    expect(await docker('exec', 'web', 'sh', '-c', 'echo o; echo e >&2; exit 6')).toEqual({ exitCode: 6, stdout: 'o', stderr: 'e' })
    expect(await typed('piped', 'exec', '-i', 'web', 'cat')).toEqual({ exitCode: 0, stdout: 'piped', stderr: '' })
    expect(await docker('exec', '-d', 'web', 'true')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    const { exitCode, stdout, stderr } = await docker('exec', 'web', 'nonexistent')
    expect([exitCode, stdout + stderr]).toEqual([127, expect.stringMatching(/executable file not found in \$PATH/)])
    const [file, ...words] = at.host.enter(argv('exec', '-it', '-e', 'PS1=in# ', 'web', 'sh'))
    const session = new TerminalSession(file as string, words, { cols: 97, rows: 31 })
    await session.see('in# ')
    session.type('until [ "$(stty size)" = "31 97" ]; do :; done; stty size; exit 5\r')
    await session.see('31 97\n')
    expect(await session.ended()).toBe(5)
  })

  test('is listed, inspected, copied into and out of, paused, renamed', async () => {
    expect((await docker('ps', '--filter', 'label=a=b', '--format', '{{.Names}} {{.Image}}')).stdout).toBe('web box')
    expect((await docker('inspect', '-f', '{{.State.Status}}', 'web')).stdout).toBe('running')
    expect(await docker('inspect', 'nosuch')).toEqual({ exitCode: 1, stdout: '[]', stderr: 'Error: No such object: nosuch' })
    const script = 'echo data > /tmp/drydock-in; "$@" cp /tmp/drydock-in web:/tmp/f; "$@" cp web:/tmp/f - | tar -xO; rm /tmp/drydock-in'
    expect((await at.host.run(['sh', '-c', script, 'sh', ...argv()])).stdout).toBe('data')
    expect((await docker('cp', 'web:/nope', '/tmp/nope')).stderr).toMatch(/Could not find the file \/nope in container web/)
    await docker('pause', 'web')
    expect((await docker('exec', 'web', 'true')).stderr).toMatch(/is paused/)
    await docker('unpause', 'web')
    expect((await docker('rename', 'web', 'web2')).exitCode).toBe(0)
    expect((await docker('rename', 'web2', 'web')).exitCode).toBe(0)
    expect((await docker('rm', 'web')).stderr).toMatch(/container is running: stop the container before removing or force remove/)
  })

  test('is followed, waited for, and goes on without a daemon', async () => {
    await docker('run', '-d', '--name', 'lines', ...box('box', 'sh', '-c', 'for i in 1 2 3; do echo line$i; sleep 0.1; done; exit 4'))
    expect((await docker('logs', '-f', 'lines')).stdout).toBe('line1\nline2\nline3')
    expect((await docker('wait', 'lines')).stdout).toBe('4')
    expect((await docker('logs', '--tail', '1', 'lines')).stdout).toBe('line3')
    expect((await docker('start', '-a', 'lines')).exitCode).toBe(4)
    const pid = async () => (await docker('inspect', '-f', '{{.State.Pid}}', 'web')).stdout
    const before = await pid()
    expect(await stop()).toBe(0)
    await start()
    expect(await pid()).toBe(before)
    expect((await docker('exec', 'web', 'sh', '-c', 'exit 9')).exitCode).toBe(9)
    expect((await docker('rm', '-f', 'web', 'lines')).stdout).toBe('web\nlines')
  })
})

test('what this engine has not is refused in a sentence', async () => {
  for (const [words, sentence] of [
    [['node', 'ls'], /This node is not a swarm manager/],
    [['swarm', 'leave'], /This node is not part of a swarm/],
    [['plugin', 'install', 'x'], /this engine has no plugins/],
  ] as const) {
    const { exitCode, stderr } = await docker(...words)
    expect([words, exitCode, stderr]).toEqual([words, 1, expect.stringMatching(sentence)])
  }
  expect((await docker('system', 'prune', '-f')).exitCode).toBe(0)
})
