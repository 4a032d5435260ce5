/** `drydock run -it` with a person in front: keys, job control, sizes, leaving and coming back, one call at a time. */
import { expect } from 'vitest'
import type { Picture, ProcessView } from '../../lib/picture/types.js'
import { Replay } from '../../lib/trace/replay.js'
import { parseTraceLine } from '../../lib/trace/shape.js'
import { onPrivateHost } from '../support/private-host.js'

const at = onPrivateHost()
const { test } = at

const IT = ['run', '-it', '--rm', '--network', 'none', '-e', 'PS1=inside# ']

test('a terminal: its name, its size, Ctrl-C, Ctrl-Z, the exit code', async () => {
  const session = at.host.terminal(...IT, '--rootfs', at.root.path, 'sh')
  await session.see('inside# ')
  session.type('tty; stty size; echo $TERM\r')
  await session.see('/dev/pts/0\n40 80\nxterm\n')
  await session.see('inside# ')
  // A key is a signal from the moment on in which the shell has given the terminal to its job.
  session.type('sh -c "echo be\'\'gun; exec sleep 1000"\r')
  await session.see('begun')
  session.type('\x03')
  await session.see('inside# ')
  session.type('sh -c "echo ag\'\'ain; exec sleep 1001"\r')
  await session.see('again')
  session.type('\x1a')
  await session.see('Stopped')
  await session.see('inside# ')
  session.resize(100, 30)
  session.type('bg; kill -9 %1; wait; while [ "$(stty size)" != "30 100" ]; do :; done; echo resi""zed\r')
  await session.see('resized')
  session.type('exit 9\r')
  expect(await session.ended()).toBe(9)
})

test('left by its keys it runs on; attached again it goes on where it was', async () => {
  const session = at.host.terminal(...IT, '--name', 'boat', '--rootfs', at.root.path, 'sh')
  await session.see('inside# ')
  session.type('word=kept\r')
  await session.see('inside# ')
  session.type('\x10\x11')
  expect(await session.ended()).toBe(0)
  expect((await at.host.drydock('ps')).stdout).toMatch(/Up .* boat/)
  const again = at.host.terminal('attach', 'boat')
  again.type('echo "<$word>"\r')
  await again.see('<kept>')
  again.type('exit 4\r')
  expect(await again.ended()).toBe(4)
  await expect.poll(async () => (await at.host.drydock('ps', '-aq')).stdout, { timeout: 60_000 }).toBe('')
})

test('the caller’s terminal is line-wise again, also when the container is killed', async () => {
  const script = `node "$0" "$@"; stty -a | grep -o -- '-*icanon'; echo over`
  const { DRYDOCK } = await import('../support/private-host.js')
  const [file, ...args] = at.host.enter(['sh', '-c', script, DRYDOCK, ...IT, '--name', 'doomed', '--rootfs', at.root.path, 'sh'])
  const { TerminalSession } = await import('../support/terminal.js')
  const session = new TerminalSession(file as string, args)
  await session.see('inside# ')
  expect((await at.host.drydock('rm', '-f', 'doomed')).exitCode).toBe(0)
  expect(await session.see('over')).toMatch(/(?<!-)icanon\n/)
})

test('one call at a time: explained, looked at, quit; nothing is left', async () => {
  const session = at.host.terminal('run', '--rm', '--step', '--network', 'none', '--rootfs', at.root.path, 'true')
  await session.see('openat(')
  await session.see('enter run')
  session.type('e')
  await session.see('openat')
  await session.see('enter run')
  session.type('\r')
  await session.see('= ')
  await session.see('enter run')
  session.type('q')
  expect(await session.ended()).toBe(0)
  expect(
    (
      await at.host.run(['sh', '-c', 'ls /var/lib/drydock/containers /var/lib/drydock/names /run/drydock | grep -v -e : -e traces'])
    ).stdout.trim(),
  ).toBe('')
})

test('run through, the program runs and its terminal is the caller’s', async () => {
  const session = at.host.terminal(
    'run',
    '--rm',
    '-it',
    '--step',
    '--network',
    'none',
    '--rootfs',
    at.root.path,
    'sh',
    '-c',
    'echo "anchor aw""eigh"; read x; exit 6',
  )
  await session.see('enter run')
  session.type('a')
  await session.see('anchor aweigh')
  session.type('\r')
  expect(await session.ended()).toBe(6)
})

test('a search in PATH is over where the program was found', async () => {
  const { exitCode, stderr } = await at.host.drydock(
    ...['run', '--rm', '--step', '--network', 'none', '-e', 'PATH=/bin:/usr/bin', '--rootfs', at.root.path],
    ...['sh', '-c', 'exit 7'],
  )
  expect(exitCode, stderr).toBe(7)
})

test('stepped through with nobody asked, it is recorded when that is asked for', async () => {
  const command = ['run', '--rm', '--step', '--record', '--network', 'none', '--rootfs', at.root.path, 'sh', '-c', 'exit 4']
  const traces = ['sh', '-c', 'cd /run/drydock/traces 2>/dev/null && cat *.jsonl; rm -f *.jsonl']
  // What the tests before have left.
  await at.host.run(traces)
  const { stdout, exitCode } = await at.host.drydock(...command)
  expect(exitCode).toBe(4)
  const events = (await at.host.run(traces)).stdout
    .trim()
    .split('\n')
    .flatMap((line) => parseTraceLine(line) ?? [])
  expect(events[0]?.what).toMatchObject({ kind: 'session', session: 'run', title: `drydock run ${at.root.path} sh -c exit 4`, auto: true })
  expect(events.at(-1)?.what).toEqual({ kind: 'end', status: 0 })
  const replay = new Replay(events)
  const acts = replay.moments.filter((moment) => moment.kind === 'act')
  const made = stdout.split('\n').filter((line) => /^(host|container) +\w+\(/.test(line))
  expect(acts.map(({ ahead }) => ahead.steps[0]?.call)).toEqual(made.map((line) => /(\w+)\(/.exec(line)?.[1]))
  expect(acts.at(-1)?.done?.results[0]?.outcome).toContain('runs another program now')
  const born = acts.find(({ ahead }) => ahead.steps[0]?.call === 'clone3')?.done?.focus[1]
  const { host, tables } = replay.before(acts.at(-1)?.index ?? 0) as Picture
  const child = tables.processes[String(born)] as ProcessView
  for (const kind of ['uts', 'pid', 'mnt', 'net', 'ipc']) expect(child.namespaces[kind], kind).not.toBe(host.namespaces[kind])
  expect((await at.host.drydock('run', '--record', '--rootfs', at.root.path, 'true')).stderr).toContain('--record keeps a record of --step')
})
