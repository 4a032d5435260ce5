import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
})
