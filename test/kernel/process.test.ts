import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { dup3, mkdir, open, symlink } from '../../lib/kernel/calls/files.js'
import { clone } from '../../lib/kernel/calls/process.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { readLimits } from '../../lib/kernel/proc/limits.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { Result } from '../../lib/kernel/result.js'
import { container, ref } from '../../lib/kernel/step.js'
import { explainExec, type ProcessSpec, parseRlimit, process as processOf } from '../../lib/primitives/process.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'process-test' })
})
afterAll(() => bottle?.close())

/**
 * Start a program that sleeps and look at it from outside. That it runs is known when execve(2) has closed the channel; the other descriptors behind that one, its
 * arguments and its environment come a moment later.
 */
async function look<T>(spec: ProcessSpec, at: (pid: number, results: readonly Result[]) => T, before = [clone('pid')]): Promise<T> {
  const shim = await bottle.shim()
  const results = await shim.run([...before, ...processOf(spec).steps])
  const pid = bottle.hostPid(shim.childPid as number) as number
  await expect.poll(() => readProcess(pid), { interval: 2 }).toMatchObject({ comm: 'sleep', state: 'S' })
  const seen = at(pid, results)
  await shim.rollback()
  return seen
}

/** How a program that cannot be started is explained. */
async function failure(spec: ProcessSpec) {
  const shim = await bottle.shim()
  const results = await shim.attempt([clone('pid'), ...processOf(spec).steps])
  await shim.rollback()
  return explainExec(results)
}

const list = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1)

const SLEEP = { argv: ['sleep', '60'] }

describe('a program', () => {
  test('gets its arguments, exactly its environment, its directory and umask', async () => {
    const env = ['PATH=/usr/bin:/bin', 'EMPTY=', 'ODD=a b=c\nü']
    const seen = await look({ ...SLEEP, env, cwd: '/usr', umask: 0o77 }, (pid) => ({
      argv: list(pid, 'cmdline'),
      env: list(pid, 'environ'),
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      umask: readStatus(pid)?.lines.get('Umask'),
    }))
    expect(seen).toEqual({ argv: ['sleep', '60'], env, cwd: '/usr', umask: '0077' })
    expect(await look(SLEEP, (pid) => [list(pid, 'environ'), readStatus(pid)?.lines.get('Umask')])).toEqual([[], '0022'])
  })

  test('has nothing open but its stdio, whatever was open before', async () => {
    const leak = [clone('pid'), open('/', ['rdonly', 'directory'], { keep: 'host' }), container(dup3(ref('host'), 90))]
    expect(await look(SLEEP, (pid) => readdirSync(`/proc/${pid}/fd`).sort(), leak)).toEqual(['0', '1', '2'])
  })

  test('ignores no signal and blocks none, though its ancestors did', async () => {
    const { ignored, blocked } = await look(
      SLEEP,
      (pid) => readStatus(pid)?.signals as NonNullable<ReturnType<typeof readStatus>>['signals'],
    )
    expect([ignored.names, blocked.names]).toEqual([[], []])
  })

  test('has its limits', async () => {
    const rlimits = ['nofile=64:128', 'core=0', 'nproc=500:600'].map(parseRlimit)
    const limits = await look({ ...SLEEP, rlimits }, (pid) => readLimits(pid))
    expect([limits?.get('nofile'), limits?.get('core'), limits?.get('nproc')]).toMatchObject([
      { soft: 64, hard: 128 },
      { soft: 0, hard: 0 },
      { soft: 500, hard: 600 },
    ])
  })

  requires('root')('is its user, with its groups alone', async () => {
    const status = await look({ ...SLEEP, uid: 1234, gid: 99, groups: [99, 7, 1000000] }, (pid) => readStatus(pid))
    expect(status).toMatchObject({
      uid: { real: 1234, effective: 1234, saved: 1234, filesystem: 1234 },
      gid: { real: 99, effective: 99, saved: 99, filesystem: 99 },
      groups: [7, 99, 1000000],
    })
  })

  test('is killed the sooner by its score', async () => {
    const score = (pid: number) => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()
    expect(await look({ ...SLEEP, oomScoreAdj: 321 }, score)).toBe('321')
  })
})

describe('the search for a program', () => {
  beforeAll(async () => {
    const shim = await bottle.shim()
    await shim.run([
      mkdir('/tmp/empty'),
      mkdir('/tmp/denied'),
      open('/tmp/denied/sleep', ['creat', 'wronly'], { keep: 'a' }),
      open('/tmp/file', ['creat', 'wronly'], { keep: 'b' }),
      mkdir('/tmp/found'),
      symlink('/bin/sleep', '/tmp/found/sleep'),
      open('/tmp/garbage', ['creat', 'wronly'], { keep: 'c', mode: 0o755 }),
    ])
    await shim.close()
  })

  test('goes past what is not there, not permitted, or no directory', async () => {
    const env = ['PATH=/tmp/empty:/tmp/nowhere:/tmp/denied:/tmp/file:/tmp/found:/usr/bin']
    const tried = await look({ ...SLEEP, env }, (_, results) =>
      results
        .filter(({ step }) => step.call === 'execve')
        .map(({ status, errno }) => (status === 'allowed' ? errnoOf(errno).name : status)),
    )
    expect(tried).toEqual(['ENOENT', 'ENOENT', 'EACCES', 'ENOTDIR', 'ok', 'not run'])
  })

  const cases: [string, ProcessSpec, number, RegExp][] = [
    [
      'nowhere',
      { argv: ['no-such-program'], env: ['PATH=/tmp/empty:/tmp/found'] },
      127,
      /^'no-such-program' was not found in any of the 2 directories/,
    ],
    ['not permitted', { argv: ['sleep'], env: ['PATH=/tmp/denied:/tmp/empty'] }, 126, /^'sleep' cannot be executed by this user/],
    ['no path there', { argv: ['/tmp/nowhere/x'] }, 127, /^'\/tmp\/nowhere\/x' was not found/],
    ['a directory', { argv: ['/tmp'] }, 126, /^'\/tmp' cannot be executed/],
  ]
  test.each(cases)('explains its end: %s', async (_, spec, exitCode, message) => {
    const told = await failure(spec)
    expect(told?.exitCode).toBe(exitCode)
    expect(told?.message).toMatch(message)
  })
})

describe('the working directory', () => {
  requires('root')('is entered as the user that the program has, or as root when that is wanted', async () => {
    const shim = await bottle.shim()
    await shim.run([mkdir('/tmp/root-only', 0o700), mkdir('/tmp/root-only/home', 0o755)])
    await shim.close()
    const spec: ProcessSpec = { ...SLEEP, uid: 1000, gid: 1000, groups: [], cwd: '/tmp/root-only/home' }
    await expect(look(spec, () => undefined)).rejects.toThrow(/^chdir\("\/tmp\/root-only\/home"\): EACCES/)
    expect(await look({ ...spec, cwdAsRoot: true }, (pid) => readlinkSync(`/proc/${pid}/cwd`))).toBe('/tmp/root-only/home')
  })

  test('that is missing is named', async () => {
    await expect(look({ ...SLEEP, cwd: '/tmp/none' }, () => undefined)).rejects.toThrow(/^chdir\("\/tmp\/none"\): ENOENT/)
  })
})
