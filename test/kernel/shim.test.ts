import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { mkdir, open, read, rmdir, write } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone, execve, getpid, kill, nanosleep, sethostname, wait4 } from '../../lib/kernel/calls/process.js'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { StepError, textOf } from '../../lib/kernel/result.js'
import { child, host, ref, type Step, step } from '../../lib/kernel/step.js'
import { numberOf } from '../../lib/primitives/seccomp/simulate.js'

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'shim-test' })
})
afterAll(() => bottle.close())

function failureOf(attempt: () => unknown): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Until a process of the bottle waits in that call. proc_pid_syscall(5). */
const waitsIn = (pid: number | undefined, call: string) =>
  expect
    .poll(() => readFileSync(`/proc/${bottle.hostPid(pid as number)}/syscall`, 'utf8').split(' ')[0], { interval: 5 })
    .toBe(String(numberOf(call)))

/** What stands in a directory of the bottle. */
const inside = (path: string) => readdirSync(bottle.hostPath(path))

describe('a shim', () => {
  test('answers each step with what the kernel said', async () => {
    const shim = await bottle.shim()
    const results = await shim.run([
      clone('uts', 'pid', 'mnt'),
      sethostname('box'),
      mount('proc', '/proc', 'proc'),
      open('/proc/sys/kernel/hostname', ['rdonly'], { keep: 'name' }),
      read(ref('name'), 64),
    ])
    expect(results.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    expect(textOf(results[4] as never)).toBe('box\n')
    expect(readFileSync(bottle.hostPath('/proc/sys/kernel/hostname'), 'utf8')).not.toBe('box\n')
    await shim.rollback()
  })

  test('answers, when it is asked quietly, of those steps alone that have something to say', async () => {
    const shim = await bottle.shim()
    const made = await shim.attemptQuietly([
      clone('uts', 'pid', 'mnt'),
      sethostname('box'),
      mount('proc', '/proc', 'proc'),
      open('/nowhere', ['rdonly'], { allow: ['ENOENT'] }),
      open('/proc/sys/kernel/hostname', ['rdonly'], { keep: 'name' }),
      read(ref('name'), 64),
    ])
    expect(made.map(({ step: { call }, status }) => [call, status])).toEqual([
      ['clone3', 'ok'],
      ['openat', 'allowed'],
      ['read', 'ok'],
    ])
    expect(shim.childPid).toBe(Number(made[0]?.ret))
    expect(textOf(made[2] as never)).toBe('box\n')
    const failed = await shim.attemptQuietly([sethostname('box'), mkdir('/proc/nothing'), sethostname('other')])
    expect(failed.map(({ step: { call }, status }) => [call, status])).toEqual([
      ['mkdirat', 'failed'],
      ['sethostname', 'not run'],
    ])
    await shim.rollback()
  })

  test('stops at the first failure that is not allowed and runs nothing after it', async () => {
    const shim = await bottle.shim()
    const results = await shim.attempt([
      mkdir('/tmp/stops', 0o755, { undo: [rmdir('/tmp/stops')] }),
      rmdir('/tmp/absent', { allow: ['ENOENT'] }),
      rmdir('/tmp/absent'),
      mkdir('/tmp/never'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['ok', 'allowed', 'failed', 'not run'])
    expect(inside('/tmp')).toEqual(['stops'])
    await shim.rollback()
    expect(inside('/tmp')).toEqual([])
  })

  test('says a failure as the call, its arguments in words and the error', async () => {
    const shim = await bottle.shim()
    const failure = await shim.run([mount('proc', '/nowhere', 'proc', ['nosuid', 'nodev'])]).catch((error) => error)
    expect(failure).toBeInstanceOf(StepError)
    expect(failure.message).toBe('mount("proc", "/nowhere", "proc", nosuid|nodev, NULL): ENOENT (No such file or directory)')
    await shim.rollback()
  })

  test('runs the undo of what succeeded in reverse order, on rollback, at the exit and when the client is gone', async () => {
    const nested: Step[] = [
      mkdir('/tmp/a', 0o755, { undo: [rmdir('/tmp/a')] }),
      mkdir('/tmp/a/b', 0o755, { undo: [rmdir('/tmp/a/b')] }),
      mkdir('/tmp/a/b', 0o755, { allow: ['EEXIST'], undo: [rmdir('/tmp')] }),
    ]
    for (const end of ['rollback', 'exit', 'gone']) {
      const shim = await bottle.shim()
      await shim.run([...nested, clone('pid')])
      expect(inside('/tmp'), end).toEqual(['a'])
      const ended = shim.ended
      if (end === 'rollback') await shim.rollback()
      else if (end === 'exit') await shim.run([execve('/bin/true', ['true'])])
      else await shim.close()
      await ended
      await expect.poll(() => inside('/tmp'), { interval: 5 }).toEqual([])
    }
  })

  test('waits for no answer to what could not be sent', async () => {
    const shim = await bottle.shim()
    await expect(shim.monitor({ logPath: '/'.repeat(0x10000) })).rejects.toThrow('16 bits')
    await shim.rollback()
  })

  test('tells how its child ended', async () => {
    const ends: [argv: string[], code: number, signal: number][] = [
      [['sh', '-c', 'exit 0'], 0, 0],
      [['sh', '-c', 'exit 42'], 42, 0],
      [['sh', '-c', 'kill -TERM $$'], 143, 15],
    ]
    for (const [argv, code, signal] of ends) {
      const shim = await bottle.shim()
      await shim.run([clone('uts'), execve('/bin/sh', argv)])
      expect(await shim.exited).toMatchObject({ code, signal })
      await shim.ended
    }
  })

  test('answers the step in progress when the child dies in it, and undoes', async () => {
    const shim = await bottle.shim()
    await shim.run([mkdir('/tmp/dies', 0o755, { undo: [rmdir('/tmp/dies')] }), clone('pid')])
    const waiting = shim.attempt([nanosleep(60_000), sethostname('never')])
    // One that dies before it begins a step was never in it.
    await waitsIn(shim.childPid, 'nanosleep')
    const killer = await bottle.shim()
    await killer.run([kill(shim.childPid as number, 'kill')])
    expect((await waiting).map(({ status, errno }) => [status, errno])).toEqual([
      ['failed', 10 /* ECHILD */],
      ['not run', 0],
    ])
    expect(await shim.exited).toMatchObject({ code: 137, signal: 9 })
    await shim.ended
    expect(inside('/tmp')).toEqual([])
    await killer.rollback()
  })

  test.each([
    ['its own', 'nanosleep', [], (): Step => host(nanosleep(60_000))],
    ['its child’s', 'nanosleep', [clone('pid')], (): Step => nanosleep(60_000)],
    ['waiting for its child', 'wait4', [clone('pid')], (): Step => host(wait4(child))],
  ] as const)('notices the end of its client in a call that blocks: %s', async (_, call, before, step) => {
    const shim = await bottle.shim()
    await shim.run([mkdir('/tmp/blocks', 0o755, { undo: [rmdir('/tmp/blocks')] }), ...before])
    const blocking = step()
    shim.attempt([blocking]).catch(() => undefined)
    await waitsIn(blocking.actor === 'host' ? shim.pid : shim.childPid, call)
    await shim.close()
    await expect.poll(() => inside('/tmp'), { interval: 10 }).toEqual([])
  })

  test('refuses arguments that would be wild pointers, and unknown calls, as errors of the step', async () => {
    const shim = await bottle.shim()
    const int = (name: string, value: number) => ({ name, kind: 'int', value }) as const
    const wrong = [
      step('read', [int('fd', 0), int('buf', 0x1000), int('count', 8)]),
      step('read', [int('fd', 0), { name: 'buf', kind: 'out', size: 4 }, int('count', 4096)]),
      step('mkdirat', [int('dirfd', -100), int('pathname', 12345), int('mode', 0)]),
      step('uname', [{ name: 'buf', kind: 'out', size: 8 }]),
      step('prctl', [int('op', 2), int('address', 0x7fff_0000), int('3', 0), int('4', 0), int('5', 0)]),
      step('no_such_call', []),
      step('getpid', [int('surplus', 1)]),
    ]
    for (const one of wrong) {
      const [result] = await shim.attempt([one])
      expect(result?.status, one.call).toBe('failed')
      expect(['EFAULT', 'EINVAL', 'ENOSYS'], one.call).toContain(new StepError(result as never).errno)
    }
    await shim.rollback()
  })

  test('keeps nothing of what a step wrote into a slot when it failed', async () => {
    const shim = await bottle.shim()
    const [opened, used] = await shim.attempt([open('/absent', ['rdonly'], { keep: 'it', allow: ['ENOENT'] }), write(ref('it'), 'x')])
    expect(opened?.status).toBe('allowed')
    expect(new StepError(used as never).errno).toBe('EBADSLT')
    await shim.rollback()
  })
})

describe('the wire', () => {
  /** Send raw bytes to a fresh shim; what it answers until it closes. */
  async function send(...chunks: Buffer[]): Promise<Buffer> {
    const directory = mkdtempSync(join(tmpdir(), 'drydock-wire-'))
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock') })
    const socket = connect(spawner.path)
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    for (const chunk of chunks) socket.write(chunk)
    await new Promise<void>((resolve) => socket.on('close', () => resolve()))
    await spawner.close()
    rmSync(directory, { recursive: true })
    return Buffer.concat(received)
  }

  test.each([
    ['a length of zero', Buffer.from('0000000001', 'hex')],
    ['a frame of 4 GiB', Buffer.from('ffffffff01', 'hex')],
    ['an unknown type', Buffer.from('0100000077', 'hex')],
    ['a batch that is cut off', Buffer.from('0700000001010000000100', 'hex')],
    ['a batch with bytes left over', Buffer.from('0a00000001010000000000aabbcc', 'hex')],
  ])('%s is answered with ERROR, and the shim ends', async (_, frame) => {
    const answer = await send(frame)
    expect(answer[4]).toBe(0x81) // HELLO
    expect(answer[4 + 13]).toBe(0x88) // ERROR
    expect(answer.at(-1)).toBe(0x89) // ENDED
  })
})

describe('the spawner', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-spawner-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('gives every connection a shim of its own, and ends with its lifeline', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock') })
    const shims = await Promise.all(Array.from({ length: 20 }, () => spawner.shim()))
    expect(new Set(shims.map(({ pid }) => pid)).size).toBe(20)
    for (const { pid } of shims) expect(readlinkSync(`/proc/${pid}/exe`)).toMatch(/shim/)
    await Promise.all(shims.map((shim) => shim.rollback()))
    const { pid, path } = spawner
    await spawner.close()
    expect(() => readlinkSync(`/proc/${pid}/exe`)).toThrow('ENOENT')
    expect(readdirSync(directory)).toEqual([])
    expect(path).toContain(directory)
  })

  test('keeps shims connected when asked to, and ends them with itself', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock'), connected: 2 })
    const shims = [await spawner.shim(), await spawner.shim(), await spawner.shim()]
    expect(new Set(shims.map(({ pid }) => pid)).size).toBe(3)
    for (const shim of shims) expect((await shim.run([getpid()]))[0]?.ret).toBe(BigInt(shim.pid))
    await Promise.all(shims.map((shim) => shim.rollback()))
    await spawner.close()
    await expect.poll(() => shims.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([])
  })

  const turn = () => new Promise((resolve) => setImmediate(resolve))
  /** How many sockets this process holds. */
  const sockets = () =>
    readdirSync('/proc/self/fd').filter((fd) => statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })?.isSocket()).length

  test('has a shim for the next one when one could not be connected before it was wanted', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const path = join(directory, 's.sock')
    const spawner = await Spawner.start({ path, connected: 1 })
    const first = spawner.shim()
    // Where the one behind it is connected nobody is to be found.
    renameSync(path, `${path}.away`)
    await first
    renameSync(`${path}.away`, path)
    expect((await (await spawner.shim()).run([getpid()])).length).toBe(1)
    await spawner.close()
  })

  test('has a shim for the next one when the one that was connected has been killed', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock'), connected: 1 })
    await spawner.shim()
    await turn()
    const witness = connect(spawner.path)
    await once(witness, 'data')
    const held = sockets()
    const made = readFileSync(`/proc/${spawner.pid}/task/${spawner.pid}/children`, 'utf8').trim().split(' ').map(Number)
    for (const pid of made) process.kill(pid, 'SIGKILL')
    // Each is told of by itself, in no order: both the witness's connection and the waiting shim's have to be closed here.
    await expect.poll(sockets).toBeLessThanOrEqual(held - 2)
    await turn()
    expect((await (await spawner.shim()).run([getpid()])).length).toBe(1)
    await spawner.close()
  })

  test('is started again when it has been killed: a container is not to wait for the daemon to be started anew', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const told: string[] = []
    const spawner = await Spawner.start({ path: join(directory, 's.sock'), connected: 1, replaced: (how) => told.push(how) })
    const before = await spawner.shim()
    for (let round = 1; round <= 2; round++) {
      const killed = spawner.pid
      process.kill(killed, 'SIGKILL')
      // Nothing waits until its end has been told, and some are wanted at once; those that stood ready may still be had.
      const fresh = async () => {
        const shims = await Promise.all([1, 2, 3, 4].map(() => spawner.shim()))
        for (const shim of shims) expect((await shim.run([getpid()])).length).toBe(1)
        return spawner.pid
      }
      await expect.poll(fresh, { timeout: 20_000 }).not.toBe(killed)
      expect(told).toEqual(Array(round).fill('it was killed by SIGKILL'))
    }
    expect((await before.run([getpid()])).length).toBe(1)
    await spawner.close()
    await expect(spawner.shim()).rejects.toThrow('the spawner has been closed')
  })

  test('that was killed leaves no descriptor here, though a shim of its goes on', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock') })
    const first = await spawner.shim()
    const held = sockets()
    const killed = spawner.pid
    process.kill(killed, 'SIGKILL')
    const next = async () => {
      await (await spawner.shim()).rollback()
      return spawner.pid
    }
    await expect.poll(next).not.toBe(killed)
    await expect.poll(sockets).toBe(held)
    expect((await first.run([getpid()])).length).toBe(1)
    await spawner.close()
  })

  test('runs from a copy that nobody can write, not even through /proc/PID/exe (CVE-2019-5736)', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start({ path: join(directory, 's.sock') })
    const shim = await spawner.shim()
    // As the attack has it: the file is held open, and written once no process executes it any more.
    const held = openSync(`/proc/${shim.pid}/exe`, 'r')
    expect(readlinkSync(`/proc/${shim.pid}/exe`)).toBe(`/memfd:${realpathSync(SHIM_PATH)} (deleted)`)
    await shim.rollback()
    await spawner.close()
    const before = readFileSync(SHIM_PATH)
    await expect.poll(() => failureOf(() => writeSync(openSync(`/proc/self/fd/${held}`, 'r+'), 'evil'))).toBe('EPERM')
    expect(readFileSync(SHIM_PATH).equals(before)).toBe(true)
    closeSync(held)
  })

  test('says why it cannot start', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    await expect(Spawner.start({ path: join(directory, 'no', 's.sock') })).rejects.toThrow(
      /the spawner did not start .*No such file or directory/s,
    )
    await expect(Spawner.start({ path: join(directory, 'x'.repeat(200)) })).rejects.toThrow(/longer than 107 bytes/)
  })
})
