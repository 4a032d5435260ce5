import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { random } from '../../../lib/tutor/random.js'
import { ensureExercise, functionSource, relocated, restoreExercise } from '../../../lib/tutor/workspace.js'
import { requires } from '../../support/requires.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-workspace-'))
  mkdirSync(join(root, 'lessons/01-ships'), { recursive: true })
  writeFileSync(join(root, 'lessons/01-ships/exercise.ts'), "import { clone } from '../../lib/index.js'\nexport const a = clone\n")
  vi.stubEnv('DRYDOCK_WORKSPACE', join(root, 'workspace'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

const lesson = () => ({ directory: pathToFileURL(`${root}/lessons/01-ships/`) })

describe('workspace', () => {
  it('gets a copy that works where it is, once', () => {
    const first = ensureExercise(lesson())
    expect(first).toEqual({ path: join(root, 'workspace/01-ships.ts'), made: true })
    expect(readFileSync(first.path, 'utf8')).toBe("import { clone } from '../lib/index.js'\nexport const a = clone\n")
    writeFileSync(first.path, 'mine')
    expect(ensureExercise(lesson())).toEqual({ path: first.path, made: false })
    expect(readFileSync(first.path, 'utf8')).toBe('mine')
  })

  it('keeps every old file when it is started over', () => {
    const { path } = ensureExercise(lesson())
    writeFileSync(path, 'first')
    expect(restoreExercise(lesson()).kept).toBe(`${path}.bak`)
    writeFileSync(path, 'second')
    expect(restoreExercise(lesson()).kept).toBe(`${path}.bak2`)
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe('first')
    expect(readFileSync(`${path}.bak2`, 'utf8')).toBe('second')
    expect(readdirSync(join(root, 'workspace')).sort()).toEqual(['01-ships.ts', '01-ships.ts.bak', '01-ships.ts.bak2'])
  })

  requires('root')('leaves no part of a file on a full disk', () => {
    const workspace = join(root, 'workspace')
    mkdirSync(workspace)
    writeFileSync(join(root, 'lessons/01-ships/exercise.ts'), `export const a = '${'x'.repeat(100_000)}'\n`)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'full', workspace])
    try {
      expect(() => ensureExercise(lesson())).toThrow(/cannot be made: ENOSPC/)
      expect(readdirSync(workspace)).toEqual([])
    } finally {
      execFileSync('umount', [workspace])
    }
  })

  it('says what to do when it cannot be written', () => {
    writeFileSync(join(root, 'workspace'), 'a file, not a directory')
    expect(() => ensureExercise(lesson())).toThrow(/cannot be made: .*DRYDOCK_WORKSPACE/)
  })
})

describe('relocated', () => {
  it('rewrites relative imports and nothing else', () => {
    const source = [
      "import { a } from '../../lib/index.js'",
      "import type { B } from '../01-ships/solution.js'",
      "export { c } from './helper.js'",
      "import 'node:fs'",
      "const d = await import('./later.js')",
      "const path = '../../lib/index.js'",
    ].join('\n')
    expect(relocated(source, '/p/lessons/02-sea', '/p/workspace').split('\n')).toEqual([
      "import { a } from '../lib/index.js'",
      "import type { B } from '../lessons/01-ships/solution.js'",
      "export { c } from '../lessons/02-sea/helper.js'",
      "import 'node:fs'",
      "const d = await import('../lessons/02-sea/later.js')",
      "const path = '../../lib/index.js'",
    ])
  })
})

describe('functionSource', () => {
  const source = [
    "import { clone } from 'x'",
    '',
    '/** One. */',
    'export function one() {',
    '  return [',
    '    1,',
    '  ]',
    '}',
    '',
    '// Two,',
    '// in two lines.',
    'export async function two({',
    '  name,',
    '}: { name: string }) {',
    '  return 2',
    '}',
    '',
    'export const three = () => [3]',
    'export const four = () => [',
    '  4,',
    ']',
    'export function oneMore() {}',
  ].join('\n')

  it('takes one function with its comment', () => {
    expect(functionSource(source, 'one')).toBe('/** One. */\nexport function one() {\n  return [\n    1,\n  ]\n}')
    expect(functionSource(source, 'two')).toMatch(/^\/\/ Two,\n\/\/ in two lines\.\nexport async function two[\s\S]*return 2\n}$/)
    expect(functionSource(source, 'three')).toBe('export const three = () => [3]')
    expect(functionSource(source, 'four')).toBe('export const four = () => [\n  4,\n]')
    expect(functionSource(source, 'oneMore')).toBe('export function oneMore() {}')
    expect(functionSource(source, 'five')).toBeUndefined()
  })
})

describe('random', () => {
  it('gives names that nobody can know, and numbers with both ends', () => {
    const names = new Set(Array.from({ length: 200 }, () => random.name()))
    expect(names.size).toBeGreaterThan(190)
    for (const name of names) expect(name).toMatch(/^[a-z]+-[0-9a-f]{4}$/)
    const numbers = new Set(Array.from({ length: 300 }, () => random.integer(3, 5)))
    expect([...numbers].sort()).toEqual([3, 4, 5])
    expect(random.integer(7, 7)).toBe(7)
    expect(['a', 'b']).toContain(random.pick(['a', 'b']))
    expect(() => random.integer(5, 3)).toThrow(RangeError)
    expect(() => random.pick([])).toThrow(RangeError)
  })
})
