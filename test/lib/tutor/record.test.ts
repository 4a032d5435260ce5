/** A lesson recorded: what stands on the screen is in the trace, in the same words, and the pictures around a call show what it changed. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, vi } from 'vitest'
import { clone } from '../../../lib/index.js'
import type { Picture } from '../../../lib/picture/types.js'
import { announceWorkshop, listTraces, readTrace } from '../../../lib/trace/index.js'
import { Journal } from '../../../lib/trace/journal.js'
import { type Moment, Replay } from '../../../lib/trace/replay.js'
import type { TutorArguments } from '../../../lib/tutor/arguments.js'
import { Audience } from '../../../lib/tutor/audience.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { Player } from '../../../lib/tutor/player.js'
import { Progress } from '../../../lib/tutor/progress.js'
import { AutoGuide } from '../../../lib/tutor/stage-auto.js'
import { parseLessonText } from '../../../lib/tutor/text.js'
import { requires } from '../../support/requires.js'
import { TerminalSession } from '../../support/terminal.js'
import { writtenDisplay } from '../../support/written-display.js'
import dock from './fixtures/01-dock/lesson.js'

const needsBottle = requires('user-namespaces')
const root = fileURLToPath(new URL('../../../', import.meta.url))
const program = (door: string) => [
  '--import',
  'tsx',
  '-e',
  `import('./lib/${door}/main.ts').then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))`,
  '--',
]

let home: string
let env: NodeJS.ProcessEnv
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-record-'))
  vi.stubEnv('DRYDOCK_RUN_DIR', join(home, 'run'))
  const { FORCE_COLOR: _, ...rest } = process.env
  env = {
    ...rest,
    DRYDOCK_LESSONS: fileURLToPath(new URL('./fixtures/', import.meta.url)),
    DRYDOCK_STATE_DIR: join(home, 'state'),
    DRYDOCK_WORKSPACE: join(home, 'workspace'),
    NO_COLOR: '1',
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

const play = (...args: string[]) => execa(process.execPath, [...program('tutor'), ...args], { cwd: root, env, reject: false })
const mine = () => listTraces([{ path: join(home, 'run/traces'), owner: process.geteuid?.() ?? 0 }])

/** One act, without a program around it. */
async function playScene(options: Partial<TutorArguments> = {}): Promise<{ status: number; written: string }> {
  const { display, written } = writtenDisplay()
  const progress = new Progress(undefined, home)
  const play = async (stage: Stage) => void (await (await stage.box()).step(clone('uts')))
  const lesson = { ...dock, scenes: [{ heading: 'One', play }], exercises: [] }
  const asked = {
    lesson: '1',
    auto: true,
    reset: false,
    list: false,
    plain: false,
    yes: false,
    record: false,
    join: undefined,
    name: undefined,
  }
  const parts = { lesson, title: 'A small dock', options: { ...asked, ...options }, display, progress, auto: true }
  const audience = await Audience.gather(parts)
  const text = parseLessonText('# A\n\n## One\n\nWords.\n')
  const player = new Player({ lesson, text, display, guide: new AutoGuide(display), progress, lacking: [], witness: audience.witness })
  return { status: await audience.until(() => player.play(0)), written: written() }
}

type Act = Moment & { kind: 'act' }
const actsOf = (replay: Replay) => replay.moments.filter((moment): moment is Act => moment.kind === 'act')
const act = (replay: Replay, call: string) => actsOf(replay).find(({ ahead }) => ahead.steps.some((step) => step.call === call)) as Act

/** Of wrapped lines the words, one blank between them; a bar before what a program printed is the screen's own. */
const words = (text: string) => text.replace(/^ +\| /gm, ' ').replace(/\s+/g, ' ')

/** Everything that an act says on the screen. */
function sentencesOf({ ahead, done }: Act): string[] {
  const title = ahead.title ?? ahead.steps[0]?.shown
  const why = ahead.title === undefined ? [ahead.steps[0]?.why] : []
  const outcomes =
    ahead.title === undefined ? (done?.results ?? []).flatMap(({ outcome, answers = [] }) => [`= ${outcome}`, ...answers]) : []
  return [title, ...why, ...outcomes, ...(done?.changes ?? []), ...(done?.because ?? [])].filter((one) => one !== undefined)
}

describe('a lesson that plays by itself', { timeout: 180_000 }, () => {
  needsBottle('is recorded when that is asked for: every step and answer, in the words of the screen', async () => {
    const file = join(home, 'dock.jsonl')
    const { stdout, exitCode } = await play('1', '--auto', `--record=${file}`)
    expect(exitCode, stdout).toBe(0)
    const events = readTrace(file)
    const [copy] = mine()
    expect(readTrace(copy?.path ?? '')).toEqual(events)
    expect(copy).toMatchObject({
      running: false,
      events: events.length,
      title: 'Lesson 1: A small dock',
      auto: true,
      lesson: { number: 1, name: 'dock' },
    })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
    expect(events.at(-1)?.what).toEqual({ kind: 'end', status: 0 })

    const replay = new Replay(events)
    const screen = words(stdout)
    for (const one of actsOf(replay)) for (const sentence of sentencesOf(one)) expect(screen).toContain(words(sentence))
    const onScreen = stdout.split('\n').flatMap((line) => /^(?:host|container|both) +(\w+\(|.* \(\d+ calls?\))/.exec(line)?.[1] ?? [])
    expect(
      actsOf(replay).map(({ ahead }) =>
        ahead.title === undefined ? `${ahead.steps[0]?.call}(` : `${ahead.title} (${ahead.steps.length} calls)`,
      ),
    ).toEqual(onScreen)
    const kinds = replay.moments.map(({ kind }) => kind)
    for (const kind of ['scene', 'said', 'predicted', 'looked', 'printed', 'tried', 'end']) expect(kinds).toContain(kind)
    expect(act(replay, 'mkdirat').ahead.steps[0]).toMatchObject({ actor: 'host', shell: 'mkdir -m 755 /tmp/twice' })
    expect(act(replay, 'clone3').ahead.steps[0]?.args[0]?.words).toContainEqual({ word: 'uts', means: expect.stringMatching(/name/) })
    expect(actsOf(replay).map(({ done }) => done?.results[0]?.errno)).toContain('EEXIST')
    expect(replay.moments.find(({ kind }) => kind === 'tried')).toMatchObject({ event: { exercise: 'rename', passed: true, saw: [] } })
    expect(replay.moments.find(({ kind }) => kind === 'predicted')).toMatchObject({
      event: { measured: 'the child', choices: ['the shim', 'the child'] },
    })

    // The kernel's state before and after a call.
    const born = act(replay, 'clone3')
    const [shim = 0, child = 0] = born.done?.focus ?? []
    const [before, after] = [replay.before(born.index), replay.after(born.index)] as [Picture, Picture]
    expect(before.tables.processes[shim]?.namespaces.uts).toBeGreaterThan(0)
    expect(before.tables.processes[child]).toBeUndefined()
    const uts = after.tables.processes[child]?.namespaces.uts
    expect(uts).not.toBe(before.tables.processes[shim]?.namespaces.uts)
    expect(born.done?.changes.join('\n')).toContain(`→ ${uts}`)
    expect(Object.keys(before.tables.namespaces)).not.toContain(`uts:${uts}`)
    expect(after.tables.namespaces[`uts:${uts}`]).toMatchObject({ kind: 'uts', host: false, drawn: [child] })
    const renamed = act(replay, 'sethostname')
    expect(replay.before(renamed.index)?.tables.namespaces[`uts:${uts}`]?.hostname).toBe('bottle')
    expect(replay.after(renamed.index)?.tables.namespaces[`uts:${uts}`]?.hostname).toBe('inner')
    // With the next scene all of that is gone.
    const [, next] = replay.moments.filter(({ kind }) => kind === 'scene')
    expect(replay.after(next?.index ?? 0)?.tables.processes[child]).toBeUndefined()
  })

  needsBottle('is recorded without being asked while a workshop’s page is open, and not otherwise', async () => {
    expect(await playScene()).toMatchObject({ status: 0 })
    expect(existsSync(join(home, 'run/traces'))).toBe(false)
    const announcement = await announceWorkshop()
    expect(await playScene()).toMatchObject({ status: 0 })
    await announcement.close()
    expect(mine()).toMatchObject([{ title: 'Lesson 1: A small dock', running: false }])
  })

  needsBottle('plays on when nothing can be recorded, and says so once', async () => {
    mkdirSync(join(home, 'run'), { mode: 0o700 })
    writeFileSync(join(home, 'run/traces'), 'in the way')
    const { status, written } = await playScene({ record: true })
    expect(status).toBe(0)
    expect(words(written).split('This session cannot be recorded (EEXIST)')).toHaveLength(2)
    const file = join(home, 'there')
    writeFileSync(file, 'mine')
    await expect(playScene({ record: file })).rejects.toThrow(`${file} is there already`)
    // What fails while it is written: a device that is full.
    rmSync(join(home, 'run/traces'))
    mkdirSync(join(home, 'run/traces'))
    const full = vi.spyOn(Journal.prototype, 'write').mockImplementationOnce(() => undefined)
    full.mockImplementation(() => {
      writeFileSync('/dev/full', 'x')
    })
    const later = await playScene({ record: true })
    full.mockRestore()
    expect(later.status).toBe(0)
    expect(words(later.written).split('This session cannot be recorded (ENOSPC)')).toHaveLength(2)
    expect(readdirSync(join(home, 'run/traces')), 'a file without a whole event').toEqual([])
  })
})

describe('a lesson at a terminal', { timeout: 180_000 }, () => {
  needsBottle('is recorded while it goes on, and what there is of it stays when it is killed', async () => {
    const session = new TerminalSession(process.execPath, [...program('tutor'), '1'], { cwd: root, env })
    try {
      await session.see('enter begin')
      session.type('\r')
      await session.see('What do you think?')
      session.type('\r')
      await session.see('enter run')
      const [trace] = mine()
      expect(trace).toMatchObject({ running: true, auto: false })
      const read = () => new Replay(readTrace(trace?.path ?? ''))
      expect(
        actsOf(read()).map(({ done }) => done),
        'the call about to be made',
      ).toEqual([undefined])
      session.type('\r')
      await session.see('= ')
      await session.see('enter run')
      session.kill('SIGKILL')
      await session.ended()
      expect(mine()).toMatchObject([{ running: false }])
      const acts = actsOf(read())
      expect(acts.map(({ ahead, done }) => [ahead.steps[0]?.call, done !== undefined])).toEqual([
        ['clone3', true],
        ['sethostname', false],
      ])
      for (const sentence of sentencesOf(acts[0] as Act)) expect(words(session.text)).toContain(words(sentence))
    } finally {
      session.kill()
      await session.ended()
    }
  })
})

describe('the prompt of system calls', { timeout: 180_000 }, () => {
  needsBottle('is recorded too: the calls, also the one that becomes a program', async () => {
    const file = join(home, 'prompt.jsonl')
    const input = 'clone uts\nsethostname box\n-mount nothing /nowhere tmpfs\nexecve /bin/true\n'
    const { stdout, exitCode } = await execa(process.execPath, [...program('repl'), `--record=${file}`], {
      cwd: root,
      env,
      input,
      reject: false,
    })
    expect(exitCode, stdout).toBe(0)
    const replay = new Replay(readTrace(file))
    expect(replay.session).toMatchObject({ session: 'prompt', auto: true })
    const acts = actsOf(replay)
    expect(acts.map(({ ahead, done }) => [ahead.steps[0]?.call, ahead.steps[0]?.actor, done?.results[0]?.status])).toEqual([
      ['clone3', 'host', 'ok'],
      ['sethostname', 'container', 'ok'],
      ['mount', 'container', 'failed'],
      ['execve', 'container', 'ok'],
    ])
    expect(acts[2]?.done?.because.join()).toContain('ENOENT')
    const child = acts[0]?.done?.focus[1] ?? 0
    const [clone, rename] = acts
    expect(replay.before(clone?.index ?? 0)?.tables.processes[child]).toBeUndefined()
    const uts = replay.after(clone?.index ?? 0)?.tables.processes[child]?.namespaces.uts
    expect(replay.after(rename?.index ?? 0)?.tables.namespaces[`uts:${uts}`]?.hostname).toBe('box')
    expect(replay.moments.some((moment) => moment.kind === 'said' && moment.event.markdown.startsWith('The program exited with 0'))).toBe(
      true,
    )
    expect(replay.moments.at(-1)).toMatchObject({ kind: 'end', event: { status: 0 } })
  })
})
