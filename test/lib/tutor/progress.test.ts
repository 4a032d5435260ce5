import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { Progress } from '../../../lib/tutor/progress.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-progress-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('progress', () => {
  it('remembers what was seen and passed, and where one left', () => {
    const progress = new Progress(undefined, directory)
    progress.enter('namespaces', 'Hull', { scenes: 2, exercises: 1 })
    progress.seen('namespaces', 'Hull', 'Mast')
    progress.seen('namespaces', 'Hull', 'Mast')
    progress.passed('namespaces', 'rename')
    const again = new Progress(undefined, directory).lesson('namespaces')
    expect(again).toEqual({ scenes: ['Hull'], exercises: ['rename'], current: 'Mast', of: { scenes: 2, exercises: 1 } })
    expect(readdirSync(directory)).toEqual(['progress.json'])
  })

  it('keeps what a second tutor writes meanwhile', () => {
    const first = new Progress(undefined, directory)
    const second = new Progress(undefined, directory)
    first.passed('namespaces', 'rename')
    second.passed('cgroups', 'limit')
    first.passed('namespaces', 'again')
    expect(second.lesson('namespaces').exercises).toEqual(['rename', 'again'])
    expect(first.lesson('cgroups').exercises).toEqual(['limit'])
  })

  it('starts over one lesson and leaves the others', () => {
    const progress = new Progress(undefined, directory)
    progress.passed('namespaces', 'rename')
    progress.passed('cgroups', 'limit')
    progress.reset('namespaces')
    expect(progress.lesson('namespaces').exercises).toEqual([])
    expect(progress.lesson('cgroups').exercises).toEqual(['limit'])
  })

  it.each(['', '{"version":1', '[]', 'null', '{"version":2,"lessons":{}}', '{"version":1,"lessons":{"a":{"scenes":3,"exercises":[]}}}'])(
    'keeps a damaged file aside: %s',
    (content) => {
      writeFileSync(join(directory, 'progress.json'), content)
      const complaints: string[] = []
      const progress = new Progress((sentence) => complaints.push(sentence), directory)
      expect(progress.lesson('namespaces').scenes).toEqual([])
      expect(complaints).toHaveLength(1)
      const [aside] = readdirSync(directory)
      expect(complaints[0]).toContain(aside)
      expect(readFileSync(join(directory, aside as string), 'utf8')).toBe(content)
      progress.passed('namespaces', 'rename')
      expect(progress.lesson('namespaces').exercises).toEqual(['rename'])
      expect(complaints).toHaveLength(1)
    },
  )

  it('goes on where it cannot be saved, says so once, and saves all when it can', () => {
    const complaints: string[] = []
    const lost = new Progress((sentence) => complaints.push(sentence), join(directory, 'none'))
    lost.enter('namespaces', 'Hull', { scenes: 2, exercises: 1 })
    lost.passed('namespaces', 'rename')
    expect(lost.lesson('namespaces')).toMatchObject({ current: 'Hull', exercises: ['rename'] })
    expect(complaints).toEqual([expect.stringContaining('none/progress.json (ENOENT)')])
    mkdirSync(join(directory, 'none'))
    lost.passed('namespaces', 'again')
    expect(new Progress(undefined, join(directory, 'none')).lesson('namespaces').exercises).toEqual(['rename', 'again'])
  })

  it('says in a sentence that a damaged file cannot be put aside', () => {
    // As long as a path can be (PATH_MAX), so that no longer name fits beside it.
    let deep = directory
    while (deep.length < 4060) deep = join(deep, 'x'.repeat(Math.min(200, 4070 - deep.length)))
    mkdirSync(deep, { recursive: true })
    writeFileSync(join(deep, 'progress.json'), 'damaged')
    expect(() => new Progress(undefined, deep).lesson('namespaces')).toThrow(DrydockError)
    expect(() => new Progress(undefined, deep).lesson('namespaces')).toThrow(/is damaged, and cannot be put aside \(ENAMETOOLONG\)/)
  })
})
