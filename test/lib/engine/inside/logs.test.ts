/** docker logs on files that are written here as a shim writes them, rotated under the reader's hands. */
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ContainerHandle } from '../../../../lib/engine/context.js'
import { fixedTime } from '../../../../lib/engine/inside/log-lines.js'
import { logsOf } from '../../../../lib/engine/inside/logs.js'
import type { LogOptions } from '../../../../lib/engine/types.js'

let directory: string
let path: string
let end: () => void
let container: ContainerHandle
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-logs-'))
  path = join(directory, 'x-json.log')
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  container = { tty: true, running: true, ended, layout: { log: path }, record: {} } as unknown as ContainerHandle
})
afterEach(() => rmSync(directory, { recursive: true }))

const entry = (log: string, time = '2026-01-02T03:04:05Z', stream = 'stdout') => `${JSON.stringify({ log, stream, time })}\n`
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => entry(`${from + index}\n`)).join('')
const plain = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index}\n`).join('')
const all: LogOptions = { stdout: true, stderr: true, follow: false, timestamps: false, details: false }
const read = (options: Partial<LogOptions> = {}) => text(logsOf(container, { ...all, ...options }).stream)

/** As the shim does it: the oldest goes, all others move. */
function rotate(files: number): void {
  if (files === 1) return rmSync(path)
  for (let number = files - 2; number > 0; number--) {
    try {
      renameSync(`${path}.${number}`, `${path}.${number + 1}`)
    } catch {
      // There are not so many yet.
    }
  }
  renameSync(path, `${path}.1`)
}

describe('what there is', () => {
  beforeEach(() => {
    writeFileSync(`${path}.2`, numbers(0, 3000))
    writeFileSync(`${path}.1`, numbers(3000, 6000))
    writeFileSync(path, numbers(6000, 9000))
  })

  test('all files, the oldest first', async () => {
    expect(await read()).toBe(plain(0, 9000))
  })

  for (const tail of [0, 1, 2999, 3000, 3001, 7777, 9000, 10_000]) {
    test(`the last ${tail} lines`, async () => {
      expect(await read({ tail })).toBe(plain(Math.max(0, 9000 - tail), 9000))
    })
  }

  test('a line that is not whole yet is none', async () => {
    appendFileSync(path, entry('late\n').slice(0, 20))
    expect(await read({ tail: 1 })).toBe('8999\n')
  })

  test('what is no entry is left out', async () => {
    appendFileSync(path, '\0\0\0\nnull\n{"log":3}\n')
    appendFileSync(path, entry('after\n'))
    expect(await read({ tail: 5 })).toBe('8999\nafter\n')
  })

  test('nothing was ever printed', async () => {
    for (const name of [path, `${path}.1`, `${path}.2`]) rmSync(name)
    expect(await read()).toBe('')
  })
})

describe('of a line', () => {
  beforeEach(() => {
    writeFileSync(
      path,
      entry('one\n', '2026-01-02T03:04:05.5Z') +
        entry('two\n', '2026-01-02T03:04:06Z', 'stderr') +
        entry('three', '2026-01-02T03:04:07.123456789Z'),
    )
  })
  const moment = (seconds: string) => BigInt(Date.parse(`2026-01-02T03:04:${seconds}Z`)) * 1_000_000n

  test('its stream', async () => {
    expect(await read({ stderr: false })).toBe('one\nthree')
    expect(await read({ stdout: false })).toBe('two\n')
  })

  test('its time, with nine digits, and docker’s space for attributes that it has not got', async () => {
    expect(await read({ timestamps: true, details: true, tail: 2 })).toBe(
      '2026-01-02T03:04:06.000000000Z  two\n2026-01-02T03:04:07.123456789Z  three',
    )
    expect(await read({ details: true, tail: 1 })).toBe(' three')
  })

  test('from a moment on, until another', async () => {
    expect(await read({ since: moment('06.000') })).toBe('two\nthree')
    expect(await read({ since: moment('06.001') })).toBe('three')
    expect(await read({ until: moment('06.000') })).toBe('one\ntwo\n')
    expect(await read({ until: moment('06.000'), follow: true })).toBe('one\ntwo\n')
  })

  test('its frame, when there is no terminal', async () => {
    Object.assign(container, { tty: false })
    expect(await read({ tail: 2 })).toBe('\x02\0\0\0\0\0\0\x04two\n\x01\0\0\0\0\0\0\x05three')
  })
})

describe('what comes', () => {
  /** Writes when so many lines have been read, so that nothing depends on time. */
  async function following(options: Partial<LogOptions>, act: (lines: number) => void): Promise<string> {
    const { stream } = logsOf(container, { ...all, follow: true, ...options })
    let said = ''
    for await (const bytes of stream) {
      said += bytes
      act(said.split('\n').length - 1)
    }
    return said
  }

  test('to the end of the container', async () => {
    writeFileSync(path, numbers(0, 10))
    let written = 10
    const said = await following({}, (lines) => {
      if (lines < written) return
      if (written === 50) return end()
      appendFileSync(path, numbers(written, written + 10))
      written += 10
    })
    expect(said).toBe(plain(0, 50))
  })

  for (const files of [1, 2, 3]) {
    test(`through rotations, with ${files} files`, async () => {
      writeFileSync(path, numbers(0, 10))
      let written = 10
      const said = await following({ tail: 5 }, (lines) => {
        if (lines < written - 5) return
        if (written >= 200) return end()
        appendFileSync(path, numbers(written, written + 5))
        rotate(files)
        writeFileSync(path, numbers(written + 5, written + 10))
        written += 10
      })
      // With one file, what is written right before the rotation may be gone before it is read, unless the reader has the file open: it has.
      expect(said).toBe(plain(5, 200))
    })
  }

  test('several rotations between two looks lose nothing that is still there', async () => {
    writeFileSync(path, numbers(0, 10))
    let turned = false
    const said = await following({}, (lines) => {
      if (turned) {
        if (lines === 40) end()
        return
      }
      turned = true
      for (const begin of [10, 20, 30]) {
        rotate(5)
        writeFileSync(path, numbers(begin, begin + 10))
      }
    })
    expect(said).toBe(plain(0, 40))
  })

  test('a log that begins only now, and one that was cut by hand', async () => {
    const { stream } = logsOf(container, { ...all, follow: true })
    const said = text(stream)
    writeFileSync(path, numbers(0, 3))
    end()
    expect(await said).toBe(plain(0, 3))
  })

  test('nobody waits for one that does not run', async () => {
    writeFileSync(path, numbers(0, 3))
    Object.assign(container, { running: false })
    expect(await read({ follow: true })).toBe(plain(0, 3))
  })

  test('who goes away while nothing comes is gone at once', async () => {
    writeFileSync(path, numbers(0, 3))
    const leaving = new AbortController()
    const { stream } = logsOf(container, { ...all, follow: true, signal: leaving.signal })
    for await (const _ of stream.iterator({ destroyOnReturn: false })) break
    const closed = new Promise((resolve) => stream.once('close', resolve))
    leaving.abort()
    await closed
  })
})

test('what cannot be read is refused in docker’s words', () => {
  expect(() => logsOf(container, { ...all, stdout: false, stderr: false })).toThrow('you must choose at least one stream')
  Object.assign(container, { record: { more: { log: { driver: 'none' } } } })
  expect(() => logsOf(container, all)).toThrow('configured logging driver does not support reading')
})

test('times have nine digits', () => {
  expect(['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.1Z', '2026-01-02T03:04:05.123456789Z'].map(fixedTime)).toEqual([
    '2026-01-02T03:04:05.000000000Z',
    '2026-01-02T03:04:05.100000000Z',
    '2026-01-02T03:04:05.123456789Z',
  ])
})
