/** Life after execve as the whole shim leads it, with its undo steps and its client. native/test has the monitor's own tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { out, word } from '../../lib/kernel/args.js'
import { close, dup3, ioctl_tiocsctty, mkdir, open, pipe2, rmdir } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone, execve, setsid } from '../../lib/kernel/calls/process.js'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { frameHeader, sizeBody, TO_SHIM } from '../../lib/kernel/frames.js'
import type { MonitorSettings } from '../../lib/kernel/monitor.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { host, ref, type Step, step } from '../../lib/kernel/step.js'
import { requires } from '../support/requires.js'

/** Process 1 of a bottle is the shim; its file may stand where a bottle has a directory of its own, such as /tmp. */
const SHIM_INSIDE = '/proc/1/exe'

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'monitor-test' })
})
afterAll(() => bottle.close())

const read = (path: string) => readFileSync(bottle.hostPath(path), 'utf8')

/** What a client hears of a container from its first byte on, by stream. */
function hear(shim: Shim): { 1: string; 2: string } {
  const said = { 1: '', 2: '' }
  shim.on('output', (stream, bytes) => {
    said[stream] += bytes
  })
  return said
}

interface Started {
  readonly shim: Shim
  readonly said: { 1: string; 2: string }
}

interface Before {
  /** Steps of the host's, for their undo. */
  readonly steps?: Step[]
  /** Called when the monitor listens and nothing runs yet. */
  readonly listening?: () => Promise<unknown>
}

/** A container of one shell in a pid namespace, its stdio on pipes. */
async function start(script: string, settings: MonitorSettings = {}, before: Before = {}): Promise<Started> {
  const shim = await bottle.shim()
  const said = hear(shim)
  await shim.run(host([pipe2('child-in', 'in'), pipe2('out', 'child-out'), pipe2('err', 'child-err'), ...(before.steps ?? [])]))
  await shim.monitor({ stdin: ref('in'), stdout: ref('out'), stderr: ref('err'), ...settings })
  await before.listening?.()
  await shim.run([
    clone('pid'),
    dup3(ref('child-in'), 0),
    dup3(ref('child-out'), 1),
    dup3(ref('child-err'), 2),
    ...host([close(ref('child-in')), close(ref('child-out')), close(ref('child-err'))]),
    execve('/bin/sh', ['sh', '-c', script]),
  ])
  return { shim, said }
}

/** The same on a terminal. */
async function startOnTerminal(script: string, settings: MonitorSettings = {}): Promise<Started> {
  const shim = await bottle.shim()
  const said = hear(shim)
  const request = (name: 'tiocsptlck' | 'tiocgptpeer', argument: Parameters<typeof step>[1][number], keep?: string) =>
    step('ioctl', [{ name: 'fd', kind: 'ref', ref: 'master' }, word('op', 'ioctl', name), argument], keep ? { keep } : {})
  await shim.run(
    host([
      open('/dev/ptmx', ['rdwr', 'noctty'], { keep: 'master' }),
      request('tiocsptlck', out('lock', 4)),
      request('tiocgptpeer', { name: 'flags', kind: 'flags', group: 'open', words: ['rdwr', 'noctty'] }, 'slave'),
    ]),
  )
  await shim.monitor({ tty: true, stdout: ref('master'), ...settings })
  await shim.run([
    clone('pid'),
    setsid(),
    ioctl_tiocsctty(ref('slave')),
    dup3(ref('slave'), 0),
    dup3(ref('slave'), 1),
    dup3(ref('slave'), 2),
    ...host([close(ref('slave'))]),
    execve('/bin/sh', ['sh', '-c', script]),
  ])
  return { shim, said }
}

/** A connection to a monitor; its first frame has been sent when this resolves. */
async function dial(path: string, type: number, ...body: number[]): Promise<Socket> {
  const socket = connect(bottle.hostPath(path))
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.write(Buffer.from([body.length + 1, 0, 0, 0, type, ...body]), () => resolve())
  })
  return socket
}
const attach = (path: string, flags: number) => dial(path, 0x10, flags)
const control = (path: string) => dial(path, 0x11)

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Docker's stream framing taken apart. */
function streams(bytes: Buffer): { stdout: string; stderr: string } {
  const said = { stdout: '', stderr: '' }
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4)
    said[bytes[at] === 2 ? 'stderr' : 'stdout'] += bytes.subarray(at + 8, at + 8 + length)
    at += 8 + length
  }
  return said
}

describe('an attended container', () => {
  test('speaks to its client and hears it', async () => {
    const { shim, said } = await start('cat; echo done >&2; exit 3')
    shim.stdin(Buffer.from('hello\n'))
    shim.closeStdin()
    expect(await shim.exited).toMatchObject({ code: 3, signal: 0, oomKilled: false })
    expect(said).toEqual({ 1: 'hello\n', 2: 'done\n' })
    await shim.ended
  })

  test('has a terminal whose size the client sets', async () => {
    const { shim, said } = await startOnTerminal('stty -echo; tty; read line; stty size; echo "<$line>"')
    await expect.poll(() => said[1], { interval: 5 }).toContain('/dev/pts')
    shim.resize(43, 132)
    shim.stdin(Buffer.from('typed\n'))
    expect(await shim.exited).toMatchObject({ code: 0 })
    expect(said[1]).toMatch(/^\/dev\/pts\/\d+\r\n43 132\r\n<typed>\r\n$/)
  })

  requires('root', 'command:strace')('has the size that was set on one connection before what was typed then on another', async () => {
    const { shim, said } = await startOnTerminal('stty -echo; echo ready; read line; stty size', { socketPath: '/tmp/order.sock' })
    await expect.poll(() => said[1], { interval: 5 }).toContain('ready')
    const typist = await attach('/tmp/order.sock', 7)
    const sizer = await control('/tmp/order.sock')
    await once(sizer, 'data')
    const pid = bottle.hostPid(shim.pid) as number
    const trace = join(mkdtempSync(join(tmpdir(), 'drydock-order-')), 'trace')
    onTestFinished(() => rmSync(join(trace, '..'), { recursive: true }))
    const witness = spawn('strace', ['-p', `${pid}`, '-o', trace, '-e', 'trace=ioctl,write'], { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(witness, 'exit')
    await once(witness.stderr, 'data')
    // Both come while it looks at neither; the one that types was there first.
    process.kill(pid, 'SIGSTOP')
    await expect.poll(() => readProcess(pid)?.state, { interval: 2 }).toMatch(/^[Tt]$/)
    sizer.write(Buffer.concat([frameHeader(TO_SHIM.resize, 4), sizeBody(43, 132)]))
    typist.write('typed\n')
    process.kill(pid, 'SIGCONT')
    expect(await shim.exited).toMatchObject({ code: 0 })
    for (const socket of [typist, sizer]) socket.destroy()
    await shim.ended
    await ended
    expect(readFileSync(trace, 'utf8').match(/TIOCSWINSZ|typed/g)).toEqual(['TIOCSWINSZ', 'typed'])
    expect(said[1]).toMatch(/43 132\r\n$/)
  })

  test('dies with its client, and what was made for it is undone', async () => {
    const steps = [mkdir('/tmp/made', 0o755, { undo: [rmdir('/tmp/made')] })]
    const { shim } = await start('sleep 1000', { exitPath: '/tmp/attended.json' }, { steps })
    expect(existsSync(bottle.hostPath('/tmp/made'))).toBe(true)
    await shim.close()
    await expect.poll(() => existsSync(bottle.hostPath('/tmp/made')), { interval: 5 }).toBe(false)
    expect(JSON.parse(read('/tmp/attended.json'))).toMatchObject({ exitCode: 137, signal: 9 })
  })
})

describe('a detached container', () => {
  test('is told as one log and one exit file, and leaves no socket', async () => {
    const paths = { socketPath: '/tmp/d.sock', logPath: '/tmp/d.log', exitPath: '/tmp/d.json' }
    const script = 'echo one; echo two >&2; head -c 3000000 /dev/zero | tr "\\0" "x"; printf end'
    const { shim, said } = await start(script, { detach: true, ...paths })
    expect(await shim.exited).toMatchObject({ code: 0 })
    await shim.ended
    expect(said).toEqual({ 1: '', 2: '' })
    const lines = read('/tmp/d.log').trimEnd().split('\n')
    const entries = lines.map((line) => JSON.parse(line) as { log: string; stream: string; time: string })
    const logged = (stream: string) => entries.filter((entry) => entry.stream === stream).map(({ log }) => log)
    expect(logged('stderr')).toEqual(['two\n'])
    expect(logged('stdout').join('')).toBe(`one\n${'x'.repeat(3_000_000)}end`)
    expect(entries.every(({ time }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/.test(time))).toBe(true)
    expect(JSON.parse(read('/tmp/d.json'))).toMatchObject({ exitCode: 0, signal: 0, oomKilled: false })
    await expect.poll(() => existsSync(bottle.hostPath('/tmp/d.sock')), { interval: 5 }).toBe(false)
    expect(readdirSync(bottle.hostPath('/tmp')).filter((name) => name.startsWith('.exit'))).toEqual([])
  })

  test('gives who attached before the execve every byte', async () => {
    let shown: Promise<Buffer> | undefined
    const listening = async () => {
      shown = all(await attach('/tmp/early.sock', 6))
    }
    await start('echo first >&2; seq 1 200000', { detach: true, socketPath: '/tmp/early.sock', exitPath: '/tmp/early.json' }, { listening })
    const said = streams((await shown) as Buffer)
    expect(said.stderr).toBe('first\n')
    expect(said.stdout).toBe(Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join(''))
  })

  test('survives its client; is found again, spoken to, and undone when it ends', async () => {
    const steps = [mkdir('/tmp/kept', 0o755, { undo: [rmdir('/tmp/kept')] })]
    const paths = { socketPath: '/tmp/s.sock', exitPath: '/tmp/s.json' }
    const { shim } = await start('read word; echo "heard $word"', { detach: true, ...paths }, { steps })
    await shim.close()
    const socket = await attach('/tmp/s.sock', 7)
    socket.end('you\n')
    expect(streams(await all(socket))).toEqual({ stdout: 'heard you\n', stderr: '' })
    await expect.poll(() => existsSync(bottle.hostPath('/tmp/kept')), { interval: 5 }).toBe(false)
    expect(JSON.parse(read('/tmp/s.json'))).toMatchObject({ exitCode: 0 })
  })

  test('that was never started leaves no socket', async () => {
    const shim = await bottle.shim()
    await shim.monitor({ socketPath: '/tmp/never.sock' })
    expect(existsSync(bottle.hostPath('/tmp/never.sock'))).toBe(true)
    await shim.rollback()
    expect(existsSync(bottle.hostPath('/tmp/never.sock'))).toBe(false)
  })

  test('is one also when its client leaves only later; with its end, nothing waits for anybody', async () => {
    const steps = [mkdir('/tmp/left', 0o755, { undo: [rmdir('/tmp/left')] })]
    const { shim, said } = await start('echo one; read word; echo "two $word"', { socketPath: '/tmp/l.sock' }, { steps })
    await expect.poll(() => said[1], { interval: 5 }).toBe('one\n')
    const pid = bottle.hostPid(shim.pid)
    await shim.leave()
    expect(existsSync(bottle.hostPath('/tmp/left'))).toBe(true)
    const socket = await attach('/tmp/l.sock', 7)
    socket.end('more\n')
    expect(streams(await all(socket))).toEqual({ stdout: 'two more\n', stderr: '' })
    await expect.poll(() => existsSync(`/proc/${pid}`), { interval: 5 }).toBe(false)
    expect(existsSync(bottle.hostPath('/tmp/left'))).toBe(false)
    expect(existsSync(bottle.hostPath('/tmp/l.sock'))).toBe(false)
  })

  test('tells its exit to controlling connections, whose end says that all is undone', async () => {
    const steps = [mkdir('/tmp/undone', 0o755, { undo: [rmdir('/tmp/undone')] })]
    const script = 'trap "exit 7" TERM; echo ready > /tmp/ready; while :; do sleep 0.01; done'
    const { shim } = await start(script, { detach: true, socketPath: '/tmp/c.sock' }, { steps })
    const first = all(await control('/tmp/c.sock'))
    await shim.close()
    const other = await control('/tmp/c.sock')
    await expect.poll(() => existsSync(bottle.hostPath('/tmp/ready')), { interval: 5 }).toBe(true)
    other.write(Buffer.from([5, 0, 0, 0, 0x06, 15, 0, 0, 0])) // SIGTERM
    for (const frames of await Promise.all([first, all(other)])) {
      expect(frames[4]).toBe(0x81) // HELLO
      expect(frames[13 + 4]).toBe(0x86) // EXIT
      expect(frames.readInt32LE(13 + 5)).toBe(7 << 8)
    }
    expect(existsSync(bottle.hostPath('/tmp/undone'))).toBe(false)
  })

  test('holds under 200 KiB of private memory while it idles', async () => {
    const paths = { socketPath: '/tmp/idle.sock', logPath: '/tmp/idle.log', exitPath: '/tmp/idle.json' }
    const { shim } = await start('echo begun; read word', { detach: true, ...paths })
    const logged = () => existsSync(bottle.hostPath('/tmp/idle.log')) && read('/tmp/idle.log')
    await expect.poll(logged, { interval: 5 }).toContain('begun')
    const status = readFileSync(`/proc/${bottle.hostPid(shim.pid)}/status`, 'utf8')
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
    // A sanitizer's shadow memory is not the shim's.
    if (!SHIM_PATH.includes('asan')) expect(kib('RssAnon') + kib('VmPTE')).toBeLessThan(200)
    shim.stdin(Buffer.from('go\n'))
    await shim.ended
  })
})

describe('shim --init', () => {
  async function asInit(...argv: string[]) {
    const shim = await bottle.shim()
    const said = hear(shim)
    await shim.run(host([pipe2('out', 'child-out')]))
    await shim.monitor({ stdout: ref('out') })
    await shim.run([
      clone('pid', 'mnt'),
      mount('proc', '/proc', 'proc'),
      dup3(ref('child-out'), 1),
      dup3(ref('child-out'), 2),
      ...host([close(ref('child-out'))]),
      execve(SHIM_INSIDE, ['shim', '--init', ...argv], ['PATH=/usr/bin:/bin']),
    ])
    return { shim, said: () => said[1] }
  }

  test.each([
    ['a status', ['--', 'sh', '-c', 'exit 9'], 9, ''],
    ['a signal', ['--', 'sh', '-c', 'kill -KILL $$'], 137, ''],
    ['nothing to run', [], 125, 'shim --init: what to run is missing: shim --init -- COMMAND [ARG ...]\n'],
    ['no such command', ['--', 'no-such-command'], 127, 'shim --init: cannot run no-such-command: No such file or directory\n'],
    ['no program', ['--', '/etc/passwd'], 126, 'shim --init: cannot run /etc/passwd: Permission denied\n'],
    ['a directory', ['--', '/etc'], 126, 'shim --init: cannot run /etc: Permission denied\n'],
  ])('ends as its command does: %s', async (_, argv, code, complaint) => {
    const { shim, said } = await asInit(...argv)
    expect(await shim.exited).toMatchObject({ code, signal: 0 })
    expect(said()).toBe(complaint)
  })

  test('gives its command the terminal: a key reaches it once', async () => {
    const script = 'trap "echo interrupted" INT; echo ready; while [ ! -e /tmp/enough ]; do sleep 0.01; done; echo over'
    const { shim, said } = await startOnTerminal(`stty -echo; exec ${SHIM_INSIDE} --init -- sh -c '${script}'`)
    await expect.poll(() => said[1], { interval: 5 }).toContain('ready')
    shim.stdin(Buffer.from('\x03'))
    await expect.poll(() => said[1], { interval: 5 }).toContain('interrupted')
    writeFileSync(bottle.hostPath('/tmp/enough'), '')
    expect(await shim.exited).toMatchObject({ code: 0 })
    expect(said[1]).toBe('ready\r\ninterrupted\r\nover\r\n')
  })

  test('reaps orphans and passes signals on to its command, which is not PID 1', async () => {
    const orphan = '(sh -c "exit 0" & exec sh -c "sleep 0.05") & wait'
    const script = `trap 'echo term; exit 5' TERM; echo "pid $$"; for i in 1 2 3; do ${orphan}; done
      while grep -qs "^State:.Z" /proc/[0-9]*/status; do sleep 0.01; done; echo ready; while :; do sleep 0.01; done`
    const { shim, said } = await asInit('--', 'sh', '-c', script)
    await expect.poll(said, { interval: 5 }).toContain('ready')
    shim.signal(15)
    expect(await shim.exited).toMatchObject({ code: 5 })
    expect(said()).toBe('pid 2\nready\nterm\n')
  })
})
