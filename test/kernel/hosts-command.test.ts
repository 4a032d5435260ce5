/** `npm run hosts`: the hosts stay when the command has ended, are entered from any terminal, and whatever is killed leaves nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectFiles, removeFile } from '../../lib/doctor/left-files.js'
import type { HostsState } from '../../lib/hosts/state.js'
import { readProcess, readProcesses } from '../../lib/kernel/proc/processes.js'
import { hostSnapshot, lastingDifferences, type Snapshot } from '../../lib/kernel/snapshot.js'
import { TerminalSession } from '../support/terminal.js'

const START = join(import.meta.dirname, '../../scripts/start.cjs')

let home: string
let env: NodeJS.ProcessEnv
let before: Snapshot
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'drydock-hosts-'))
  env = { DRYDOCK_RUN_DIR: join(home, 'run'), DRYDOCK_STATE_DIR: join(home, 'state'), NO_COLOR: '1' }
  before = await hostSnapshot()
})
afterEach(async () => {
  await hosts('down')
  expect(await lastingDifferences(before)).toEqual([])
  expect(readdirSync(env.DRYDOCK_RUN_DIR as string)).toEqual([])
  rmSync(home, { recursive: true })
})

const hosts = (...args: string[]) => execa(process.execPath, [START, 'hosts', ...args], { env, reject: false, input: '' })
const typed = (input: string, ...args: string[]) => execa(process.execPath, [START, 'hosts', ...args], { env, reject: false, input })
const terminal = (...args: string[]) =>
  new TerminalSession(process.execPath, [START, 'hosts', ...args], { env: { ...process.env, ...env } })
const stateNow = async (): Promise<HostsState> => JSON.parse((await hosts('status', '--json')).stdout)

describe('npm run hosts', () => {
  test('brings them up, and they stay; says so; commands run in them; down ends them', async () => {
    expect((await hosts('status')).stdout).toBe('No host is up. To bring them up: npm run hosts')
    const up = await hosts()
    expect([up.exitCode, up.stderr]).toEqual([0, ''])
    expect(up.stdout).toMatch(/^vm-1 +172\.20\.122\.115 .*\nvm-2 +172\.20\.122\.116 /m)
    const again = await hosts()
    expect(again.stdout).toContain('up already')
    expect(await hosts('--internet')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('without the internet') })
    const status = await hosts('status')
    expect(status.stdout).toContain(`written down in ${env.DRYDOCK_RUN_DIR}/hosts.json`)
    const { stdout, exitCode } = await typed('typed\n', 'exec', 'vm-2', '--', 'sh', '-c', 'hostname; cat; exit 3')
    expect([stdout, exitCode]).toEqual(['vm-2\ntyped', 3])
    expect(await hosts('exec', 'vm-1', 'ls', '--no-such-flag')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no-such-flag'),
    })
    expect((await hosts('down')).stdout).toContain('nothing of them is left')
    expect((await hosts('down')).stdout).toBe('No host is up.')
  })

  test('says what cannot be, and where', async () => {
    const said = async (...args: string[]) => {
      const { exitCode, stderr, stdout } = await hosts(...args)
      return [exitCode, `${stdout}${stderr}`]
    }
    expect(await said('exec', 'vm-1', 'true')).toEqual([1, 'drydock: the two hosts are not up: npm run hosts'])
    expect(await said('fly')).toEqual([1, expect.stringContaining("'fly' is nothing that can be done with hosts")])
    expect(await said('--nonsense')).toEqual([1, expect.stringContaining('nonsense')])
    expect(await said('--help')).toEqual([0, expect.stringContaining('npm run hosts -- shell vm-1')])
    await hosts()
    expect(await said('exec', 'vm-3', 'true')).toEqual([1, "drydock: there is no host 'vm-3'; there are: vm-1, vm-2"])
    expect(await said('exec', 'vm-1', '--', 'no-such')).toEqual([127, expect.stringContaining("'no-such' was not found")])
    expect(await said('exec', 'vm-1')).toEqual([1, expect.stringContaining('command')])
    expect(await said('shell', 'vm-1')).toEqual([1, expect.stringContaining('needs a terminal')])
  })

  test('gives a terminal in each, several at once, which follow the window and pass keys on', async () => {
    await hosts()
    const [one, two, three] = [terminal('shell', 'vm-1'), terminal('shell', 'vm-1'), terminal('shell', 'vm-2')]
    await Promise.all([one, two, three].map((session) => session.see('root@vm-')))
    one.type('echo name $(hostname) > /run/said; tty\r')
    await one.see('/dev/pts/')
    two.type('cat /run/said; sh -c "echo it waits; exec sleep 1000"\r')
    await two.see('name vm-1\n')
    await two.see('it waits\n')
    two.type('\x03')
    await two.see('root@vm-1')
    three.type('ls /run/said; stty size\r')
    await three.see('40 80')
    three.resize(99, 33)
    // The new size comes by another way than what is typed.
    three.type('until stty size | grep "33 99"; do sleep 0.1; done; echo it follows\r')
    await three.see('it follows\n')
    three.type('exit 5\r')
    expect(await three.ended()).toBe(5)
    // One that is killed takes its shell along, and nobody else.
    one.kill()
    await one.ended()
    // The hangup reaches that shell a moment after its command has gone.
    two.type('until ps ax | grep -c "[b]ash -i" | grep -qx 1; do sleep 0.1; done; echo one is left; exit\r')
    await two.see('one is left\n')
    expect(await two.ended()).toBe(0)
    const command = terminal('exec', 'vm-1', '--', 'sh', '-c', 'tty; exit 4')
    await command.see('/dev/pts/')
    expect(await command.ended()).toBe(4)
  })

  test('takes two at once for one', async () => {
    const both = await Promise.all([hosts(), hosts()])
    expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, expect.any(Number)])
    expect((await stateNow()).hosts).toHaveLength(2)
  })
})

describe('kill -9', () => {
  /** Wait until a process is gone, by its number. */
  const gone = (pid: number) => expect.poll(() => readProcess(pid)?.state ?? 'Z').toBe('Z')
  const parentOf = (pid: number) => readProcess(pid)?.ppid as number
  const shimsOf = (keeper: number) => {
    const family = [keeper]
    const all = readProcesses()
    for (const member of family) family.push(...all.filter(({ ppid }) => ppid === member).map(({ pid }) => pid))
    // A shim outside is the child of the spawner, or of whoever took its place.
    return family.slice(1)
  }

  const VICTIMS: Readonly<Record<string, (state: HostsState) => readonly number[]>> = {
    'the keeper': ({ keeper }) => [keeper.pid],
    'the first process of vm-1': ({ hosts: [one] }) => [one?.pid as number],
    'the shim outside of vm-2': ({ hosts: [, two] }) => [parentOf(two?.pid as number)],
    'all shims at once': ({ keeper }) => shimsOf(keeper.pid),
  }
  test.each(Object.entries(VICTIMS))('of %s leaves nothing of any', async (_, victims) => {
    await hosts()
    const state = await stateNow()
    for (const pid of victims(state)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It went with another.
      }
    }
    await gone(state.keeper.pid)
    for (const { pid } of state.hosts) await gone(pid)
    expect(await lastingDifferences(before)).toEqual([])
    expect(readdirSync(env.DRYDOCK_RUN_DIR as string)).toEqual([])
  })

  test('of everything at once leaves what the next command, or doctor, takes away', async () => {
    await hosts()
    const { keeper } = await stateNow()
    for (const pid of [keeper.pid, ...shimsOf(keeper.pid)].reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It went with another.
      }
    }
    await gone(keeper.pid)
    expect((await hosts('status')).stdout).toContain('No host is up')
    expect((await hosts()).exitCode).toBe(0)
    expect((await stateNow()).keeper.pid).not.toBe(keeper.pid)
  })

  test('of a keeper leaves a state file that doctor knows, and one of a living keeper is nobody’s to remove', async () => {
    const directory = join(home, 'left')
    const file = join(directory, 'hosts.json')
    await execa('mkdir', [directory])
    const { pid } = await execa('true')
      .then(() => execa('sh', ['-c', 'echo $$']))
      .then(({ stdout }) => ({ pid: Number(stdout) }))
    writeFileSync(file, JSON.stringify({ version: 1, keeper: { pid, startTicks: 1 }, hosts: [] }))
    const [left] = await inspectFiles(directory)
    expect(left).toMatchObject({ name: file, says: expect.stringContaining(`process ${pid}, which made it, is gone`) })
    expect(await removeFile(left as NonNullable<typeof left>, directory)).toBeUndefined()
    await hosts()
    expect(await inspectFiles(env.DRYDOCK_RUN_DIR)).toEqual([])
    expect(readFileSync(join(env.DRYDOCK_RUN_DIR as string, 'hosts.json'), 'utf8')).toContain('vm-1')
  })
})
