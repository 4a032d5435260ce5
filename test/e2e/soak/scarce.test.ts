/**
 * An engine that runs out of something: disk, descriptors, processes, memory; a registry that is silent, and a clock that jumps. Each time there is a clear answer, who
 * runs runs on, what was answered stays so, and when there is enough again all goes on.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { describe, expect } from 'vitest'
import { complaintsAbout, type Known, linesOf, PROGRAM } from '../../soak/known.js'
import { LimitedCgroup } from '../../soak/limited.js'
import type { Answer } from '../../support/engines/api.js'
import { firstFrame } from '../../support/engines/http.js'
import { busyboxArchive } from '../../support/engines/image.js'
import { type EngineOptions, NEEDS, TestEngine } from '../../support/engines.js'
import { signalInnermost } from '../../support/innermost.js'
import { type Requirement, requires } from '../../support/requires.js'

/** With an engine of its own. */
const scarce = (
  name: string,
  options: () => EngineOptions & { after?: () => void },
  act: (engine: TestEngine) => Promise<void>,
  ...needs: Requirement[]
) =>
  requires(...NEEDS.drydock, ...needs)(
    name,
    async () => {
      const { after, ...more } = options()
      const engine = await TestEngine.open('drydock', more)
      try {
        await act(engine)
      } finally {
        await engine.close()
        after?.()
      }
    },
    240_000,
  )

/** For what surely comes, on a busy machine too. Milliseconds. */
const PATIENT = { timeout: 60_000 }

const NONE = { HostConfig: { NetworkMode: 'none' } }

/** One that has ended and one that runs, which the engine has answered for. */
async function answered({ api }: TestEngine): Promise<Known[]> {
  const all: Known[] = [
    { name: 'ended', kind: 'short', code: 3, state: 'started', killed: false },
    { name: 'runs', kind: 'long', code: 0, state: 'started', killed: false },
  ]
  for (const { name, kind, code } of all) {
    await api.create(['sh', '-c', PROGRAM[kind](code)], NONE, name)
    await api.start(name)
  }
  expect(await (await api.wait('ended')).status).toBe(3)
  return all
}

const complaints = async (engine: TestEngine, all: readonly Known[]) =>
  (await Promise.all(all.map((known) => complaintsAbout(engine.api, known)))).flat()

/** What it takes to say that it works: a container from its making to its removal. */
async function works({ api }: TestEngine): Promise<void> {
  const id = await api.create(['sh', '-c', 'echo well; exit 5'], NONE)
  const { status } = await api.wait(id, 'next-exit')
  await api.start(id)
  expect(await status).toBe(5)
  expect(await linesOf(api, id)).toEqual(['well'])
  expect((await api.remove(id)).status).toBe(204)
}

/** A refusal for people: a sentence, in which this stands, and no stack. */
function expectSentence(answer: Answer, word: RegExp): void {
  const { message } = answer.json<{ message: string }>()
  expect({ status: answer.status, message }).toEqual({ status: 500, message: expect.stringMatching(word) })
  expect(message).not.toMatch(/\n|\bat .*\.[jt]s:/)
}

describe('disk', () => {
  const resize = async (engine: TestEngine, size: string) => {
    // A log that grows between the look and the call makes it too small (EINVAL): it is looked at again.
    const { stderr } = await engine.host.run(['sh', '-c', `until mount -o remount,size=${size} /var/lib/drydock 2>/dev/null; do :; done`])
    expect(stderr).toBe('')
  }
  const FULL = '$(df -k --output=used /var/lib/drydock | tail -n 1 | tr -d " ")k'

  // The data root is on a tmpfs of its own, which is made as small as what is in it: write(2) fails with ENOSPC as on any other.
  scarce(
    'that is full',
    () => ({}),
    async (engine) => {
      const { api } = engine
      const all = await answered(engine)
      await resize(engine, FULL)
      expectSentence(await api.post('/containers/create?name=more', { Image: 'busybox', Cmd: ['true'] }), /no space|disk is full/i)
      expectSentence(await api.post('/volumes/create', { Name: 'more' }), /no space|disk is full/i)
      const loaded = await api.post('/images/load?quiet=1', busyboxArchive({ tags: ['more:latest'], files: { big: 'x'.repeat(1 << 20) } }))
      expect(loaded.body.toString()).toMatch(/no space|disk is full/i)
      expect((await api.get('/containers/more/json')).status).toBe(404)
      expect(await complaints(engine, all.slice(0, 1))).toEqual([])
      // Whoever comes up finds no room either.
      await engine.kill()
      await engine.start()
      expect((await api.get('/containers/json?all=1')).json<unknown[]>()).toHaveLength(2)
      expect((await api.get('/containers/runs/json')).json()).toMatchObject({ State: { Running: true } })
      expect(await complaints(engine, all.slice(0, 1))).toEqual([])
      await resize(engine, '50%')
      await works(engine)
      // What could not be written is not in its log (Docker's has it so too); what is, is whole and in order, and it goes on.
      const had = (await linesOf(api, 'runs')).map(Number)
      expect(had.every((line, at) => Number.isInteger(line) && line > (had[at - 1] ?? 0))).toBe(true)
      const log = await api.open('GET', '/containers/runs/logs?follow=1&stdout=1&tail=0')
      expect(Number(await firstFrame(log))).toBeGreaterThan(had.at(-1) as number)
      expect((await api.post('/containers/create?name=more', { Image: 'busybox', Cmd: ['true'] })).status).toBe(201)
      expect((await api.post('/containers/runs/stop?t=30')).status).toBe(204)
      expect(await (await api.wait('runs')).status).toBe(0)
      await engine.kill()
      await engine.start()
      expect((await api.get('/containers/runs/json')).json()).toMatchObject({ State: { Status: 'exited', ExitCode: 0 } })
    },
  )
})

describe('descriptors', () => {
  // The soft one: raising the other takes a capability that root of a container has not.
  const limit = (engine: TestEngine, most: number) => execa('prlimit', ['--pid', String(engine.pid), `--nofile=${most}:`])

  scarce(
    'that are all used',
    () => ({}),
    async (engine) => {
      const all = await answered(engine)
      const { pid } = engine
      const had = engine.descriptors().length
      await limit(engine, had + 10)
      const crowd: Socket[] = []
      for (let one = 0; one < 40; one++) {
        const socket = connect(engine.socket)
        socket.on('error', () => undefined)
        crowd.push(socket)
      }
      // With nobody's connection it may answer, refuse or hang up; it is there afterwards.
      await Promise.all(
        [1, 2, 3].map(() =>
          engine.api.post('/containers/create', { Image: 'busybox' }, { signal: AbortSignal.timeout(2000) }).catch(() => undefined),
        ),
      )
      await expect.poll(() => engine.descriptors().length, PATIENT).toBeGreaterThanOrEqual(had + 9)
      for (const socket of crowd) socket.destroy()
      await limit(engine, had + 200)
      await works(engine)
      expect(await complaints(engine, all)).toEqual([])
      expect(engine.pid).toBe(pid)
      for (const { Id } of await engine.api.must<{ Id: string }[]>('GET', '/containers/json?all=1')) await engine.api.remove(Id)
      // The engine's end of the last connection is closed after ours.
      await expect.poll(() => engine.descriptors().length, PATIENT).toBeLessThanOrEqual(had)
    },
    'command:prlimit',
  )
})

/** A cgroup of its own for the daemon and its shims. */
function within(controller: 'pids' | 'memory') {
  const made: { cgroup?: LimitedCgroup } = {}
  return {
    options: () => {
      made.cgroup = new LimitedCgroup(controller)
      return { before: made.cgroup.before, after: () => made.cgroup?.remove() }
    },
    get cgroup(): LimitedCgroup {
      return made.cgroup as LimitedCgroup
    },
  }
}

describe('processes', () => {
  const own = within('pids')
  scarce('of which there may be no more', own.options, async (engine) => {
    const all = await answered(engine)
    const ids = await Promise.all(Array.from({ length: 12 }, () => engine.api.create(['sleep', '1000'], NONE)))
    own.cgroup.limit(0)
    const answers = await Promise.all(ids.map((id) => engine.api.post(`/containers/${id}/start`)))
    const refused = answers.filter(({ status }) => status !== 204)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) expectSentence(answer, /EAGAIN|no more processes|temporarily unavailable/)
    own.cgroup.unlimit()
    expect(await complaints(engine, all)).toEqual([])
    // Those that were refused can be started now.
    const again = await Promise.all(
      ids.filter((_, at) => answers[at]?.status !== 204).map((id) => engine.api.post(`/containers/${id}/start`)),
    )
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 204))
    await works(engine)
  })
})

describe('memory', () => {
  const own = within('memory')
  scarce('of the daemon’s cgroup: the kernel ends it, and whoever comes after finds everything', own.options, async (engine) => {
    const all = await answered(engine)
    own.cgroup.limit(4 << 20)
    const big = busyboxArchive({ tags: ['big:latest'], files: { big: 'x'.repeat(24 << 20) } })
    for (let time = 0; time < 3; time++) await engine.api.post('/images/load?quiet=1', big).catch(() => undefined)
    own.cgroup.unlimit()
    // It may have had its memory from what the kernel could put away: then it goes on.
    const alive = await engine.api.get('/_ping').catch(() => undefined)
    if (!alive) {
      await engine.stop()
      await engine.start()
    }
    await works(engine)
    expect(await complaints(engine, all)).toEqual([])
  })

  scarce(
    'of a container’s: it ends with 137, and it is said why',
    () => ({}),
    async ({ api }) => {
      const id = await api.create(['sh', '-c', 'head -c 200000000 /dev/zero | tail'], {
        HostConfig: { NetworkMode: 'none', Memory: 16 << 20 },
      })
      await api.start(id)
      expect(await (await api.wait(id)).status).toBe(137)
      expect((await api.get(`/containers/${id}/json`)).json()).toMatchObject({ State: { OOMKilled: true, ExitCode: 137 } })
    },
  )
})

describe('a registry', () => {
  const TIMES = 8
  const SILENT = "require('node:net').createServer(() => console.log('asked')).listen(5001, '127.0.0.1', () => console.log('listens'))"

  scarce(
    'that takes connections and says nothing keeps nobody else waiting, and is let go',
    () => ({}),
    async (engine) => {
      const [file, ...args] = engine.host.enter([process.execPath, '-e', SILENT])
      const registry = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      const said = createInterface({ input: registry.stdout })[Symbol.asyncIterator]()
      expect((await said.next()).value).toBe('listens')
      const held: number[] = []
      for (let time = 0; time < TIMES; time++) {
        const over = new AbortController()
        const pull = engine.api
          .post('/images/create?fromImage=127.0.0.1:5001/ship', undefined, { signal: over.signal })
          .catch(() => 'broken off')
        expect((await said.next()).value).toBe('asked')
        await works(engine)
        over.abort()
        expect(await pull).toBe('broken off')
        await works(engine)
        held.push(engine.descriptors().length)
      }
      // One that was kept each time would show; how many idle shims there are to talk to is chance.
      expect((held.at(-1) as number) - (held[0] as number)).toBeLessThan(TIMES - 1)
      signalInnermost(registry, 'SIGKILL')
      await once(registry, 'exit')
    },
  )
})

describe('a clock', () => {
  /** Of the daemon: the wall clock that the C library tells it. The monotonic one is left alone, as it is when somebody sets the time. libfaketime(1). */
  const library = () => {
    const found = readdirSync('/usr/lib')
      .map((name) => join('/usr/lib', name, 'faketime'))
      .find((path) => {
        try {
          return readdirSync(path).includes('libfaketime.so.1')
        } catch {
          return false
        }
      })
    return join(found ?? '', 'libfaketime.so.1')
  }
  const CLOCK = '/run/clock'
  const faked = () => ({
    before: ['env', `LD_PRELOAD=${library()}`, `FAKETIME_TIMESTAMP_FILE=${CLOCK}`, 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
  })

  scarce(
    'that jumps a day ahead and two days back changes no answer',
    faked,
    async (engine) => {
      const { api } = engine
      const all = await answered(engine)
      const set = (offset: string) => writeFileSync(engine.host.path(CLOCK), `${offset}\n`)
      const today = async () => Date.parse((await api.get('/info')).json<{ SystemTime: string }>().SystemTime)
      for (const [offset, days] of [
        ['+1d', 1],
        ['-1d', -1],
        ['+0', 0],
      ] as const) {
        const health = { Test: ['CMD', 'true'], Interval: 100_000_000, Retries: 1 }
        await api.create(['sleep', '1000'], { ...NONE, Healthcheck: health }, 'well')
        await api.start('well')
        await api.create(
          ['sh', '-c', 'exit 1'],
          { HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } } },
          'again',
        )
        await api.start('again')
        const stopped = api.post('/containers/well/stop?t=1')
        set(offset)
        expect(Math.round(((await today()) - Date.now()) / 86_400_000) + 0).toBe(days)
        expect((await stopped).status).toBe(204)
        expect(await (await api.wait('well')).status).toBe(137)
        await api.start('well')
        await api.whenever(
          { container: ['well'] },
          async () =>
            (await api.get('/containers/well/json')).json<{ State: { Health: { Status: string } } }>().State.Health.Status === 'healthy',
        )
        await api.whenever({ container: ['again'] }, async () => {
          const found = (await api.get('/containers/again/json')).json<{ RestartCount: number; State: { Status: string } }>()
          return found.RestartCount === 2 && found.State.Status === 'exited'
        })
        for (const name of ['well', 'again']) expect((await api.remove(name)).status).toBe(204)
        await works(engine)
        expect(await complaints(engine, all)).toEqual([])
      }
    },
    'command:faketime',
  )
})
