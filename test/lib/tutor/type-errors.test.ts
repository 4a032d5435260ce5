import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { typeErrors } from '../../../lib/tutor/type-errors.js'

const LESSONS = readdirSync('lessons').filter((name) => /^\d\d-/.test(name))

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-types-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Of a function that returns these steps, in a workspace that is far from the project. */
function errorsOf(steps: string): Promise<string[]> {
  const file = join(directory, '01-namespaces.ts')
  const lib = resolve('lib/index.js')
  writeFileSync(file, `import { clone, execve, mkdir, open, ref, write } from '${lib}'\nexport const task = ({ bytes }) => [${steps}]\n`)
  return typeErrors(file)
}

describe('what TypeScript says of a learner’s file', () => {
  it.each([
    ['a number where text is wanted', "write(ref('f'), 4096)", /:2:53: .*'number'.*'string \| Uint8Array/],
    ['a word where a list of words is wanted', "open('/a', 'wronly')", /'string'.*"wronly"/],
    ['a word that there is not', "clone('utss')", /"utss"/],
    ['an argument that is missing', 'mkdir()', /Expected 1-3 arguments, but got 0/],
    ['a call that was not imported', 'chdir("/")', /Cannot find name 'chdir'/],
  ])('%s', async (_, steps, said) => {
    const errors = await errorsOf(steps)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(said)
    expect(errors[0]).toMatch(/^\/.*\/01-namespaces\.ts:2:\d+: /)
  })

  it('three of them are enough, and none is told twice', async () => {
    expect(await errorsOf('one, one, two, three, four')).toEqual(['one', 'two', 'three'].map((name) => expect.stringMatching(`'${name}'`)))
  })

  it.each([
    ['what is right', "mkdir('/a'), execve('/bin/sh', ['sh'])"],
    ['a challenge without a type', "mkdir(bytes.name), write(ref('f'), String(bytes.length))"],
    ['what may be undefined', "mkdir(['/a'].at(0)), mkdir(process.env.HOME)"],
    ['what does not compile, and was said to be so before', 'mkdir( = 3'],
  ])('nothing of %s', async (_, steps) => {
    expect(await errorsOf(steps)).toEqual([])
  })

  it.each(LESSONS)('nothing of what is handed out in lesson %s, nor of its solution', async (name) => {
    for (const file of ['exercise', 'solution']) expect(await typeErrors(resolve('lessons', name, `${file}.ts`))).toEqual([])
  })
})
