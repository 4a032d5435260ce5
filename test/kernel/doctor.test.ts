/** Doctor on this machine: what it says, and that it removes what a crash left and nothing else. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, test } from 'vitest'
import { findLeftovers, type Leftover, removeLeftovers } from '../../lib/doctor/leftovers.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import { detectCgroups, hierarchyOf } from '../../lib/primitives/cgroups/index.js'
import { asOrdinaryUser, runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const TSX = ['node', '--import', 'tsx']
const DOCTOR = ['node', 'scripts/start.cjs', 'doctor']
const gone = spawnSync('true').pid as number

const runs = mkdtempSync(join(tmpdir(), 'drydock-doctor-'))
process.env.DRYDOCK_RUN_DIR = runs
afterAll(() => rmSync(runs, { recursive: true }))

describe('doctor', () => {
  test('has a word for each thing and a remedy where one is needed, in 80 columns without colour', async () => {
    const { stdout, exitCode } = await execa('node', DOCTOR.slice(1), { reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined } })
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('\x1b')
    for (const line of stdout.split('\n')) if (!line.includes('/')) expect(line.length, line).toBeLessThanOrEqual(80)
    for (const name of ['kernel:', 'Node:', 'user namespaces:', 'overlay:', 'layout:', 'Lessons', 'Leftovers'])
      expect(stdout).toContain(name)
  })

  test('says the same as JSON, to a program', async () => {
    const { stdout, exitCode } = await execa('node', [...DOCTOR.slice(1), '--json'], { reject: false })
    const said = JSON.parse(stdout)
    expect(said.status).toBe(exitCode)
    const findings = said.chapters.flatMap((chapter: { findings: object[] }) => chapter.findings)
    for (const { word, remedy } of findings) {
      expect(['ok', 'restricted', 'missing']).toContain(word)
      expect(remedy === undefined).toBe(word === 'ok')
    }
  })

  requires('command:setpriv', 'user-namespaces')('speaks for the user who asks', async () => {
    const { stdout, exitCode } = await runAsOrdinaryUser([...DOCTOR, '--json'])
    expect(exitCode).toBe(0)
    const said = JSON.parse(String(stdout))
    const isolation = said.chapters.find(({ title }: { title: string }) => title === 'Namespaces').findings
    expect(isolation.find(({ name }: { name: string }) => name === 'bottle')).toMatchObject({
      says: expect.stringContaining('in a user namespace'),
    })
    expect(isolation.find(({ name }: { name: string }) => name === 'overlay')).toMatchObject({ word: 'ok' })
  })

  test('says so when no lesson can be played, with status 1', async () => {
    const argv = [...asOrdinaryUser(['unshare', '--user', ...DOCTOR, '--json'])]
    const env = { DRYDOCK_RUN_DIR: mkdtempSync(join(tmpdir(), 'drydock-no-')), FORCE_COLOR: '0' }
    // In a user namespace that maps nothing one is nobody, and may make no further one.
    spawnSync('chmod', ['777', env.DRYDOCK_RUN_DIR])
    const { stdout, exitCode } = await execa(argv[0] as string, argv.slice(1), {
      reject: false,
      env: { ...env, DRYDOCK_RUN_DIR: join(env.DRYDOCK_RUN_DIR, 'run') },
    })
    rmSync(env.DRYDOCK_RUN_DIR, { recursive: true })
    expect(exitCode).toBe(1)
    const lessons = JSON.parse(stdout).chapters.find(({ title }: { title: string }) => title === 'Lessons').findings
    for (const { word, remedy } of lessons) {
      expect(word).toBe('missing')
      expect(remedy).not.toBe('')
    }
  })

  test('does not know other arguments', async () => {
    expect((await execa('node', [...DOCTOR.slice(1), '--everything'], { reject: false })).exitCode).toBe(1)
  })
})

const mine = (leftovers: readonly Leftover[], part: string) => leftovers.filter(({ name, says }) => `${name} ${says}`.includes(part))

describe('leftover processes', () => {
  test('are shims whose program is gone; the socket goes with them', async () => {
    const { stdout } = await execa(TSX[0] as string, [...TSX.slice(1), 'test/support/programs/leave-behind.ts'], { reject: false })
    const [line = ''] = stdout.split('\n')
    const pid = Number(line)
    expect(readProcess(pid)).toBeDefined()
    const found = mine(await findLeftovers(), `/spawner-`).filter(({ name, says }) => says.includes(runs) || name.startsWith(runs))
    expect(found.map(({ kind }) => kind)).toContain('process')
    expect(found.filter(({ kind }) => kind === 'file').map(({ kept }) => kept)).toEqual(['somebody listens on it'])
    const removals = await removeLeftovers(found)
    expect(removals.filter(({ failure }) => failure !== undefined)).toEqual([])
    // Who reaps it is the machine's first process, when it likes.
    expect(readProcess(pid)?.state ?? 'Z').toBe('Z')
    expect(readdirSync(runs)).toEqual([])
  })

  test('are none while their program runs', async () => {
    const { Spawner } = await import('../../lib/kernel/spawner.js')
    const spawner = await Spawner.start()
    const shim = await spawner.shim()
    expect(mine(await findLeftovers(), `spawner-${process.pid}-`)).toEqual([])
    await shim.rollback()
    await spawner.close()
  })
})

describe('leftover cgroups', () => {
  const host = detectCgroups()
  const hierarchy = hierarchyOf(host.hierarchies, 'freezer') ?? host.hierarchies[0]

  requires('root')('are removed when their program is gone, with what is below them, and the frozen are thawed', async () => {
    const base = `${hierarchy?.base}/drydock`
    const path = `${base}/bottle-left-${gone}-0a1b2c`
    const living = `${base}/bottle-living-${process.pid}-0a1b2c`
    mkdirSync(`${path}/inner`, { recursive: true })
    mkdirSync(living)
    const sleeper = execa('sleep', ['60'], { reject: false })
    writeFileSync(`${path}/inner/cgroup.procs`, `${sleeper.pid}`)
    const [kept] = mine(await findLeftovers(), `${path}/inner`)
    expect(kept?.kept).toBe(`processes are in it: ${sleeper.pid}`)
    expect(await removeLeftovers(kept ? [kept] : [])).toEqual([])
    expect(existsSync(`${path}/inner`)).toBe(true)

    const freezes = existsSync(`${path}/inner/freezer.state`)
    writeFileSync(`${path}/inner/${freezes ? 'freezer.state' : 'cgroup.freeze'}`, freezes ? 'FROZEN' : '1')
    sleeper.kill('SIGKILL')
    const found = mine(await findLeftovers(), path)
    expect(found.map(({ name, kept: why }) => [name, why])).toEqual([
      [`${path}/inner`, undefined],
      [path, undefined],
    ])
    const removals = await removeLeftovers(found)
    expect(removals.map(({ leftover, failure }) => [leftover.name, failure])).toEqual([
      [`${path}/inner`, undefined],
      [path, undefined],
    ])
    expect(await sleeper).toMatchObject({ signal: 'SIGKILL' })
    expect(existsSync(path)).toBe(false)
    expect(existsSync(living)).toBe(true)
    rmdirSync(living)
    try {
      rmdirSync(base)
    } catch {
      // Another test has its bottle there.
    }
  })

  requires('root')('are nobody’s to remove where something else is mounted', async () => {
    const path = `${hierarchy?.base}/drydock/bottle-covered-${gone}-0a1b2c`
    mkdirSync(path, { recursive: true })
    // Only the doctor in that mount namespace sees the cover.
    const script = `mount -t tmpfs cover ${path} && exec node scripts/start.cjs doctor --json`
    const { stdout } = await execa('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], { reject: false })
    const found: Leftover[] = JSON.parse(stdout).leftovers
    expect(found.find(({ name }) => name === path)?.kept).toBe(`something is mounted at ${path}`)
    const [left] = mine(await findLeftovers(), path)
    expect(await removeLeftovers(left ? [left] : [])).toEqual([{ leftover: left }])
  })
})
