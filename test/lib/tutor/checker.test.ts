import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { endHostSpawner } from '../../../lib/bottle.js'
import { checkExercise, type Verdict } from '../../../lib/tutor/checker.js'
import type { Exercise } from '../../../lib/tutor/lesson.js'
import { verifyLesson } from '../../../lib/tutor/verify.js'
import { requires } from '../../support/requires.js'
import dock from './fixtures/01-dock/lesson.js'

const needsBottle = requires('user-namespaces')
const [rename] = dock.exercises as [Exercise]
const index = fileURLToPath(new URL('../../../lib/index.js', import.meta.url))

let directory: string
let counter = 0
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-checker-'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
})
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await endHostSpawner()
})

/** The verdict on a file whose function `rename` has this body. */
function verdictOn(body: string, exercise: Exercise = rename): Promise<Verdict> {
  const file = join(directory, `task${counter++}.ts`)
  writeFileSync(
    file,
    `import * as drydock from '${relative(directory, index)}'\nexport function rename({ name }: { name: string }) {\n${body}\n}\n`,
  )
  return checkExercise(exercise, file)
}

describe('checkExercise', () => {
  needsBottle('tells what the kernel showed, and the hint that fits', async () => {
    const verdict = await verdictOn("return [drydock.clone(), drydock.execve('/bin/sleep', ['sleep', '100'])]")
    expect(verdict).toMatchObject({ passed: false, saw: ['its host name is "bottle"'], hint: 2, looks: 3 })
  })

  needsBottle('gives another name at every try', async () => {
    const body = "return [drydock.clone('uts'), drydock.sethostname(name)]"
    const [one, other] = [await verdictOn(body), await verdictOn(body)]
    expect([one.passed, other.passed]).toEqual([true, true])
    expect(one.challenge.name).not.toBe(other.challenge.name)
  })

  needsBottle('explains a step that fails', async () => {
    const verdict = await verdictOn("return [drydock.clone('uts'), drydock.sethostname('x'.repeat(65))]")
    expect(verdict.passed).toBe(false)
    expect(verdict.saw.join()).toMatch(/^Step 2 of your 2 failed: sethostname\(.*EINVAL \(Invalid argument\)$/)
    expect(verdict.because.join()).toMatch(/^EINVAL: /)
    const file = await verdictOn(`
      const { open, write, ref } = drydock
      return [open('/proc/self/oom_score_adj', ['wronly'], { keep: 'adj' }), write(ref('adj'), '1001')]`)
    expect(file.because, 'what the file means by it, which an earlier step opened').toEqual(['EINVAL: outside -1000 … 1000'])
  })

  needsBottle('goes on after whatever a learner’s steps do', async () => {
    const impossible = "[drydock.sethostname(name, { actor: 'container' })]"
    const twice = "[drydock.clone('uts'), drydock.clone('uts')]"
    const gone = "[drydock.clone('uts'), drydock.execve('/bin/true', ['true'])]"
    const itself = "[drydock.clone('uts'), drydock.kill(drydock.child, 'kill'), drydock.sethostname(name)]"
    const nothing = '[]'
    const nowhere = "[drydock.clone('uts'), drydock.execve('/no/such/program', ['x'])]"
    for (const steps of [impossible, twice, gone, itself, nothing, nowhere]) {
      const verdict = await verdictOn(`return ${steps}`)
      expect(verdict.passed, steps).toBe(false)
      expect(verdict.saw.join(), steps).not.toBe('')
    }
  })

  needsBottle('keeps what was found before a check could not go on', async () => {
    const exercise: Exercise = {
      ...rename,
      async check(trial) {
        trial.expect(false, 'the first thing')
        await trial.run()
      },
    }
    const verdict = await verdictOn("return [drydock.clone('uts'), drydock.sethostname('x'.repeat(65))]", exercise)
    expect(verdict.saw[0]).toBe('the first thing')
    expect(verdict.saw[1]).toContain('EINVAL')
  })

  needsBottle('does not believe in a check that looks at nothing', async () => {
    const exercise: Exercise = { ...rename, check: () => Promise.resolve() }
    await expect(verdictOn('return []', exercise)).rejects.toThrow("the check of exercise 'rename' looked at nothing")
  })
})

describe('verifyLesson', () => {
  needsBottle('proves both directions and does not listen to liars', async () => {
    const results = await verifyLesson(dock)
    expect(results.map(({ program, passed, ok }) => [program, passed, ok])).toEqual([
      ['exercise', false, true],
      ['solution', true, true],
      ['liar', false, true],
      ['deserter', false, true],
    ])
  })
})
