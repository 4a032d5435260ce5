import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clone, execve, host, kill, open, ref, sethostname, write } from '../../../lib/index.js'
import { child } from '../../../lib/kernel/step.js'
import type { Lesson, Stage } from '../../../lib/tutor/lesson.js'
import { missing, needsOf } from '../../../lib/tutor/needs.js'
import { Player } from '../../../lib/tutor/player.js'
import { Progress } from '../../../lib/tutor/progress.js'
import { AutoGuide } from '../../../lib/tutor/stage-auto.js'
import { parseLessonText, readLessonText } from '../../../lib/tutor/text.js'
import { displayWidth } from '../../../lib/tutor/wrap.js'
import { requires } from '../../support/requires.js'
import { writtenDisplay } from '../../support/written-display.js'
import dock from './fixtures/01-dock/lesson.js'

const needsBottle = requires('user-namespaces')
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-play-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

async function play(lesson: Lesson, markdown?: string): Promise<{ status: number; written: string }> {
  const { display, written } = writtenDisplay()
  const text = markdown === undefined ? await readLessonText(lesson.directory) : parseLessonText(markdown)
  const progress = new Progress(undefined, directory)
  const status = await new Player({
    lesson,
    text,
    display,
    guide: new AutoGuide(display),
    progress,
    lacking: await missing(needsOf(lesson).somewhere),
  }).play(0)
  return { status, written: written() }
}

/** A lesson of one scene. */
const scene = (act: (stage: Stage) => Promise<void>, rest: Partial<Lesson['scenes'][0]> = {}) =>
  play({ ...dock, scenes: [{ heading: 'One', play: act, ...rest }] }, '# A\n\n## One\n\nWords.\n')

describe('a lesson that plays by itself', () => {
  needsBottle('shows every step, what it answered and what it changed, in 80 columns', async () => {
    const { status, written } = await play(dock)
    expect(written.split('\n').filter((line) => displayWidth(line) > 80)).toEqual([])
    expect(written).toContain('1 of 3: A name')
    expect(written).toMatch(/host {7}clone3\(\{flags=uts\|pidfd/)
    expect(written).toMatch(/uts namespace \d+ → \d+/)
    expect(written).toMatch(/host name "bottle" → "inner"/)
    expect(written).toMatch(/> measured {2}the child/)
    expect(written).toMatch(/\+ \/tmp\/twice: directory \(0755, \d+:\d+ to the host\)/)
    expect(written).toMatch(/= -1 EEXIST \(File exists\)/)
    expect(written).toMatch(/EEXIST: .*there already/)
    expect(written).toMatch(/> the child {2}inner\n {4}the shim {3}bottle/)
    expect(written).toContain('| from program\n')
    expect(written).toContain('| to stderr\n')
    expect(written).toContain('the program exited with 3')
    expect(written).toContain('ok passed: 3 things were looked at')
    expect(written).toContain('ok Your machine is as before:')
    expect(status).toBe(0)
  })

  needsBottle('tells of an error, goes on, and says so in the end', async () => {
    const { status, written } = await scene(async (stage) => {
      const box = await stage.box()
      await box.step(clone('uts'), sethostname('x'.repeat(65)))
    })
    expect(status).toBe(1)
    expect(written).toMatch(/error This scene could not go on:\s+sethostname\(/)
    expect(written).toContain('ok Your machine is as before:')
  })

  needsBottle('says whose turn it is when there are several boxes', async () => {
    const { status, written } = await scene(async (stage) => {
      const victim = await stage.box('victim')
      await victim.step(clone(), execve('/bin/sleep', ['sleep', '1000']))
      const intruder = await stage.box('intruder')
      await intruder.step(clone(), kill(victim.childPid as number, 'kill'))
      await victim.exited()
      await intruder.step(execve('/bin/sleep', ['sleep', '1000']))
    })
    expect(written).not.toContain('In the box “victim”')
    expect(written.split('In the box “intruder”:')).toHaveLength(2)
    expect(written).toContain('the program of “victim” was ended by signal 9 (SIGKILL)')
    expect(written, 'what the end of the scene kills is no news').not.toContain('the program of “intruder”')
    expect(status).toBe(0)
  })

  needsBottle('fails when an expected error does not come, or another one does', async () => {
    const success = await scene(async (stage) => {
      const box = await stage.box()
      await box.step(clone('uts'))
      await box.fails(sethostname('x'), 'EPERM')
    })
    expect(success.status).toBe(1)
    expect(success.written).toContain('the lesson expects EPERM')
    const other = await scene(async (stage) => {
      const box = await stage.box()
      await box.step(clone('uts'))
      await box.fails(sethostname('x'.repeat(65)), 'EPERM')
    })
    expect(other.status).toBe(1)
    expect(other.written).toContain('EINVAL')
  })

  needsBottle('says what a file means by an error, when an earlier act has opened it', async () => {
    const { written } = await scene(async (stage) => {
      const box = await stage.box()
      await box.step(open('/proc/self/oom_score_adj', ['wronly'], { keep: 'adj' }))
      await box.fails(write(ref('adj'), '1001'), 'EINVAL')
      await box.fails(write(ref('adj'), 'more'), 'EINVAL')
    })
    expect(written.match(/EINVAL: outside -1000 … 1000/g)).toHaveLength(2)
  })

  needsBottle('fails when what was measured is none of the choices', async () => {
    const { status, written } = await scene((stage) =>
      stage.predict({ question: 'Well?', choices: ['yes', 'no'], measure: () => Promise.resolve('perhaps'), because: '' }),
    )
    expect(status).toBe(1)
    expect(written).toContain('"perhaps", is none of the')
  })

  needsBottle('skips out loud what this machine cannot do', async () => {
    const { status, written } = await scene(() => Promise.reject(new Error('must not be played')), { needs: ['kernel:99.1'] })
    expect(status).toBe(0)
    expect(written).toContain('skipped What this scene does needs Linux 99.1; it is left out.')
  })

  needsBottle('makes the host’s calls after an execve too, and none of the program’s', async () => {
    const { status } = await scene(async (stage) => {
      const box = await stage.box()
      await box.step(clone('uts'), execve('/bin/sleep', ['sleep', '1000']))
      await expect(box.step(sethostname('late'))).rejects.toThrow('the process runs another program now')
      await box.step(host(kill(child, 'term')))
      expect((await box.exited()).signal).toBe(15)
    })
    expect(status).toBe(0)
  })

  it('does not touch anybody’s progress', () => {
    expect(new Progress(undefined, directory).lesson('dock').scenes).toEqual([])
  })
})
