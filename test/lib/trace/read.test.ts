import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Journal } from '../../../lib/trace/journal.js'
import { removeOlderTraces } from '../../../lib/trace/keep.js'
import { listTraces, TraceShelf } from '../../../lib/trace/list.js'
import { newTraceId, traceDirectories, traceFile, traceIdOf } from '../../../lib/trace/places.js'
import { followTrace, readTrace } from '../../../lib/trace/read.js'
import type { Happening, TraceEvent } from '../../../lib/trace/types.js'
import { requires } from '../../support/requires.js'

const me = process.geteuid?.() ?? 0
const SOMEBODY = 54321
const gone = spawnSync('true').pid

let run = ''
let traces = ''
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'drydock-trace-'))
  traces = join(run, 'traces')
  mkdirSync(traces)
})
afterEach(() => rmSync(run, { recursive: true, force: true }))

const session = (pid = process.pid): Happening => ({
  kind: 'session',
  version: 1,
  session: 'lesson',
  title: 'A dock',
  pid,
  uid: me,
  auto: false,
})
const said = (markdown: string): Happening => ({ kind: 'said', markdown })
const END: Happening = { kind: 'end', status: 0 }

/** A trace of these; the file stays open when it is not closed. */
function write(id: string, happenings: readonly Happening[], limit?: number): Journal {
  const journal = new Journal(traceFile(traces, id), limit === undefined ? {} : { limit })
  for (const what of happenings) journal.write(what)
  return journal
}
const kinds = (events: readonly TraceEvent[]) => events.map(({ seq, what }) => `${seq} ${what.kind}`)
const directory = () => ({ path: traces, owner: me })

describe('a trace', () => {
  it('is a private file of lines, read as it was written', () => {
    const id = newTraceId('lesson')
    expect(traceIdOf(`${id}.jsonl`)).toBe(id)
    const { path } = write(id, [session(), said('one'), END])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(kinds(readTrace(path))).toEqual(['0 session', '1 said', '2 end'])
    expect(readTrace(path, { owner: me })).toEqual(readTrace(path))
    expect(() => new Journal(path)).toThrow('EEXIST')
  })

  it('says when it has grown too long, and then only when the session ends', () => {
    const { path } = write(newTraceId('lesson'), [session(), said('x'.repeat(600)), said('y'.repeat(600)), said('z'), END], 1000)
    const events = readTrace(path)
    expect(kinds(events)).toEqual(['0 session', '1 said', '2 stopped', '3 end'])
    expect(statSync(path).size).toBeLessThan(1500)
  })

  it('passes over what is no event, and a line that is not whole', () => {
    const { path } = write(newTraceId('lesson'), [session()])
    const strange = [
      'null',
      '[]',
      '{"seq":1,"at":1}',
      '{"seq":-1,"at":1,"what":{"kind":"said","markdown":"a"}}',
      '{"seq":1,"at":1,"what":{"kind":"__proto__"}}',
      '{"seq":1,"at":1,"what":{"kind":"ahead","box":"b","steps":[{"call":"x"}],"focus":[]}}',
      '{"seq":1,"at":1,"what":{"kind":"changed","delta":{"at":1,"took":1,"set":{"processes":{"1":null}},"gone":{}}}}',
      '{"seq":1,"at":1,"what":{"kind":"said","markdown":7}}',
      '\u0000\u0001{{{',
      '{"seq":2,"at":1,"what":{"kind":"said","markdown":"good","more":"is no matter"}}',
    ]
    appendFileSync(path, `${strange.join('\n')}\n{"seq":3,"at":1,"what":{"kind":"said","mark`)
    expect(kinds(readTrace(path))).toEqual(['0 session', '2 said'])
  })

  it('has none where there is no file, or another thing', () => {
    expect(readTrace(join(traces, 'absent'))).toEqual([])
    expect(readTrace(traces)).toEqual([])
    const pipe = join(traces, `${newTraceId('run')}.jsonl`)
    execFileSync('mkfifo', [pipe])
    expect(readTrace(pipe)).toEqual([])
    expect(readTrace(pipe, { owner: me })).toEqual([])
  })

  it('of a program that was killed is whole to its last event', async () => {
    const program = `
      import { Journal } from './lib/trace/journal.ts'
      const journal = new Journal(process.argv[1])
      journal.write(${JSON.stringify(session(1))})
      for (let at = 0; ; at++) {
        journal.write({ kind: 'said', markdown: String(at).repeat(2000) })
        if (at === 50) console.log('enough')
      }`
    const path = traceFile(traces, newTraceId('lesson'))
    const writer = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(writer.stdout, 'data')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    const lines = readFileSync(path, 'utf8').split('\n')
    expect(lines.pop()).toBe('')
    const events = readTrace(path)
    expect(events).toHaveLength(lines.length)
    expect(events.length).toBeGreaterThan(50)
    expect(events.at(-1)?.seq).toBe(lines.length - 1)
  })
})

describe('following a trace', () => {
  it('gives what is there and what comes, to the end of the session', async () => {
    const journal = write(newTraceId('lesson'), [session(), said('one')])
    const seen: string[] = []
    for await (const event of followTrace(journal.path, 1, { owner: me })) {
      seen.push(...kinds([event]))
      if (event.seq === 1) appendFileSync(journal.path, '{"seq":2,"at":3,"what":{"kind":"sa')
      if (event.seq === 1)
        setTimeout(
          () => appendFileSync(journal.path, 'id","markdown":"late"}}\nnonsense\n{"seq":3,"at":4,"what":{"kind":"end","status":0}}\n'),
          50,
        )
    }
    expect(seen).toEqual(['1 said', '2 said', '3 end'])
  })

  it('ends with the program that wrote it', async () => {
    const { path } = write(newTraceId('lesson', gone), [session(gone), said('one')])
    const seen: TraceEvent[] = []
    for await (const event of followTrace(path)) seen.push(event)
    expect(kinds(seen)).toEqual(['0 session', '1 said'])
  })

  it('ends when it is told to, when the file is removed, and where there is none', async () => {
    const leaving = new AbortController()
    const { path } = write(newTraceId('lesson'), [session()])
    const until = async (signal?: AbortSignal, then?: () => void) => {
      const seen: TraceEvent[] = []
      for await (const event of followTrace(path, 0, signal ? { signal } : {})) {
        seen.push(event)
        then?.()
      }
      return kinds(seen)
    }
    expect(await until(leaving.signal, () => setTimeout(() => leaving.abort(), 20))).toEqual(['0 session'])
    expect(await until(undefined, () => setTimeout(() => rmSync(path), 20))).toEqual(['0 session'])
    expect(await until()).toEqual([])
  })
})

describe('the list of traces', () => {
  it('tells of each what it is, whether it runs, and how much is in it, newest first', async () => {
    const hourAgo = Date.now() - 3_600_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(hourAgo)
    const old = write(newTraceId('lesson', gone), [session(gone), said('one')])
    clock.mockRestore()
    const running = write(newTraceId('lesson'), [session(), said('one'), said('two')])
    writeFileSync(join(traces, 'notes.jsonl'), 'mine')
    writeFileSync(join(traces, 'lesson-1-aaaaaa.jsonl'), 'no trace\n')
    const shelf = new TraceShelf()
    const list = () =>
      shelf.list([directory(), { path: join(run, 'absent'), owner: me }]).map(({ path, running, events }) => ({ path, running, events }))
    expect(list()).toEqual([
      { path: running.path, running: true, events: 3 },
      { path: old.path, running: false, events: 2 },
    ])
    running.write(said('x'.repeat(200_000)))
    running.write(END)
    expect(list()[0]).toEqual({ path: running.path, running: false, events: 5 })
    expect(listTraces([directory()])[0]).toMatchObject({ title: 'A dock', session: 'lesson', pid: process.pid, owner: me, auto: false })
  })

  it('shows the newest also where many files were begun and never written', () => {
    for (let number = 0; number < 60; number++) writeFileSync(traceFile(traces, newTraceId('lesson', gone, number + 1e9)), '')
    const { path } = write(newTraceId('run', gone), [session(gone)])
    for (let number = 60; number < 120; number++) writeFileSync(traceFile(traces, newTraceId('lesson', gone, number + 1e9)), '')
    expect(listTraces([directory()]).map((one) => one.path)).toEqual([path])
  })

  it('counts no further than a trace can be long', () => {
    const { path } = write(newTraceId('lesson'), [session()])
    truncateSync(path, 2 ** 30)
    appendFileSync(path, '\n\n\n')
    expect(listTraces([directory()]).map(({ events }) => events)).toEqual([1])
  })

  it('keeps the newest, and those of sessions that run; what is no trace stays', () => {
    const finished = Array.from({ length: 5 }, (_, index) => write(newTraceId('lesson', gone, index + 1e9), [session(gone)]).path)
    const running = write(newTraceId('lesson', process.pid, 1e9), [session()]).path
    const foreign = join(traces, 'lesson-1-aaaaaa.jsonl')
    writeFileSync(foreign, 'no trace\n')
    removeOlderTraces(directory(), 0)
    expect(finished.filter((path) => statSync(path, { throwIfNoEntry: false }))).toEqual([])
    expect(statSync(running).isFile()).toBe(true)
    expect(statSync(foreign).isFile()).toBe(true)
  })

  requires('root')('looks into the directories of other users, and takes nothing for theirs that is not', () => {
    expect(traceDirectories()[0]?.owner).toBe(0)
    const mine = write(newTraceId('lesson', gone), [session(gone)]).path
    const theirs = { path: traces, owner: SOMEBODY }
    const give = (path: string) => chownSync(path, SOMEBODY, SOMEBODY)
    expect(listTraces([theirs]), 'a run directory of root').toEqual([])
    for (const path of [run, traces]) give(path)
    expect(listTraces([theirs]), 'a file of root in it').toEqual([])
    expect(readTrace(mine, { owner: SOMEBODY })).toEqual([])
    give(mine)
    expect(listTraces([theirs])).toMatchObject([{ owner: SOMEBODY }])
    expect(kinds(readTrace(mine, { owner: SOMEBODY }))).toEqual(['0 session'])

    const secret = join(run, 'secret')
    writeFileSync(secret, readFileSync(mine))
    const link = traceFile(traces, newTraceId('run', gone, 5e9))
    symlinkSync(secret, link)
    expect(readTrace(link, { owner: SOMEBODY }), 'a link').toEqual([])
    rmSync(link)
    linkSync(secret, link)
    expect(readTrace(link, { owner: SOMEBODY }), 'a second name of root’s file').toEqual([])
    rmSync(link)

    renameSync(traces, join(run, 'elsewhere'))
    symlinkSync(join(run, 'elsewhere'), traces)
    expect(listTraces([theirs]), 'a link in the place of the directory').toEqual([])
    expect(readTrace(mine, { owner: SOMEBODY })).toEqual([])
  })
})
