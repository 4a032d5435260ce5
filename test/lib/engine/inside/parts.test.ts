/** The parts of what happens inside that need no container: paths and modes of docker cp, ps, what an exec is asked for, streams that are given up. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { absolute, baseOf, goMode, parentOf } from '../../../../lib/engine/inside/archive/names.js'
import { execRequest } from '../../../../lib/engine/inside/exec-request.js'
import { ExecStream } from '../../../../lib/engine/inside/exec-stream.js'
import { cpuTime, startTime, terminalName } from '../../../../lib/engine/inside/ps.js'
import { Pulled } from '../../../../lib/engine/inside/pulled.js'
import { select } from '../../../../lib/engine/inside/top.js'
import { parseMachineStat } from '../../../../lib/kernel/proc/stat.js'

describe('paths of docker cp', () => {
  test.each([
    ['/', '/', '/'],
    ['.', '/.', '.'],
    ['/.', '/.', '.'],
    ['', undefined, undefined],
    ['a', '/a', 'a'],
    ['/a/', '/a/', 'a'],
    ['/a/.', '/a/.', '.'],
    ['/a//b/../c', '/a/c', 'c'],
    ['../../x', '/x', 'x'],
    ['/..', '/', '/'],
    ['/a/..', '/', '/'],
    ['/ä', '/\xc3\xa4', '\xc3\xa4'],
  ])('%j', (path, clean, base) => {
    if (clean === undefined) expect(() => absolute(path)).toThrow('path cannot be empty')
    else expect([absolute(path), baseOf(absolute(path))]).toEqual([clean, base])
  })

  test('the directory of a name', () => {
    expect(['/a', '/a/b', '/a/b/c'].map(parentOf)).toEqual(['/', '/a', '/a/b'])
    expect(() => absolute('/a\0b')).toThrow('NUL')
  })

  test('modes as Go has them', () => {
    // Numbers that dockerd 20.10 answered.
    expect(goMode({ kind: 'directory', mode: 0o755 })).toBe(2147484141)
    expect(goMode({ kind: 'file', mode: 0o4755 })).toBe(8389101)
    expect(goMode({ kind: 'symlink', mode: 0o777 })).toBe(134218239)
    expect(goMode({ kind: 'fifo', mode: 0o644 })).toBe(33554852)
    expect(goMode({ kind: 'directory', mode: 0o1777 })).toBe(2148532735)
    expect(goMode({ kind: 'char', mode: 0o644 })).toBe(69206436)
    expect(goMode({ kind: 'file', mode: 0o644 })).toBe(420)
  })
})

describe('ps', () => {
  test('when it was started: as much as it takes', () => {
    const now = new Date(2026, 4, 6, 12, 0)
    expect(startTime(new Date(2026, 4, 6, 9, 5), now)).toBe('09:05')
    expect(startTime(new Date(2026, 4, 5, 23, 59), now)).toBe('May05')
    expect(startTime(new Date(2025, 11, 31), now)).toBe('2025')
  })

  test('processor time and terminals', () => {
    expect([0, 99, 6000, 366_100, 8_640_000 * 3 + 100].map(cpuTime)).toEqual(['00:00:00', '00:00:00', '00:01:00', '01:01:01', '3-00:00:01'])
    expect([0, 34816, 34816 + 7, (137 << 8) | 1, (4 << 8) | 1, (4 << 8) | 65, 999 << 8].map(terminalName)).toEqual([
      '?',
      'pts/0',
      'pts/7',
      'pts/257',
      'tty1',
      'ttyS1',
      '?',
    ])
  })

  test('lines of the container’s processes, with their threads, and the last column whole', () => {
    const output =
      'USER  PID   LWP COMMAND\nroot    1     - init\nroot   12     - my prog  -x\n-       -    13 -\n-       -    14 -\njoe    99     - other\n'
    expect(select(output, new Set([12]))).toEqual({
      Titles: ['USER', 'PID', 'LWP', 'COMMAND'],
      Processes: [
        ['root', '12', '-', 'my prog -x'],
        ['-', '-', '13', '-'],
        ['-', '-', '14', '-'],
      ],
    })
    expect(() => select('A B\n1 2\n', new Set())).toThrow("Couldn't find PID field in ps output")
    expect(() => select('PID\nx\n', new Set())).toThrow("Unexpected pid 'x'")
  })

  test('the machine: its time, its processors', () => {
    const text = 'cpu  1 2 3 4 5 6 7 1000 1000 1000\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\nbtime 1700000000\n'
    expect(parseMachineStat(text)).toEqual({ ticks: 28, processors: 2, bootSeconds: 1_700_000_000 })
  })
})

describe('what an exec is asked for', () => {
  test('nothing is what it is when it is null', () => {
    const none = { Env: null, User: null, Tty: null, ConsoleSize: null, DetachKeys: null, WorkingDir: null, Privileged: null }
    expect(execRequest({ Cmd: ['a'], ...none })).toEqual(execRequest({ Cmd: ['a'] }))
    expect(execRequest({ Cmd: ['a'], ConsoleSize: [0, 0] })).not.toHaveProperty('size')
    expect(execRequest({ Cmd: ['a'], ConsoleSize: [24, 80] }).size).toEqual([24, 80])
  })

  test.each([
    [{ Cmd: 'sh' }, 'Cmd is a list of strings'],
    [{ Cmd: [1] }, 'Cmd is a list of strings'],
    [{ Cmd: ['a'], Tty: 'yes' }, 'Tty is true or false'],
    [{ Cmd: ['a'], User: 5 }, 'User is a string'],
    [{ Cmd: ['a'], ConsoleSize: [1] }, 'ConsoleSize is [rows, columns]'],
    [{ Cmd: ['a'], ConsoleSize: [1, 70000] }, 'ConsoleSize is [rows, columns]'],
    [{ Cmd: ['a'], WorkingDir: 'x' }, 'Cwd must be an absolute path'],
  ])('%j is refused by name', (body, sentence) => {
    expect(() => execRequest(body)).toThrow(sentence)
  })
})

describe('streams', () => {
  test('one that waits for something is given up at once', async () => {
    let over: () => void = () => undefined
    const finished = new Promise<void>((resolve) => {
      over = resolve
    })
    const stream = new Pulled(async function* (signal) {
      try {
        yield Buffer.from('x')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      } finally {
        over()
      }
    })
    const closed = new Promise((resolve) => stream.once('close', resolve))
    stream.once('data', () => stream.destroy())
    await Promise.all([closed, finished])
  })

  test('what its source throws is its error, until nobody wants it', async () => {
    const failing = new Pulled(async function* () {
      yield Buffer.from('x')
      throw new Error('broken')
    })
    await expect(text(failing)).rejects.toThrow('broken')
    expect(new Pulled(async function* () {}, AbortSignal.abort()).destroyed).toBe(true)
  })

  test('that of an exec ends when its exit is known, also when its shim had nothing to say before anybody listened', async () => {
    let end: () => void = () => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const socket = new PassThrough()
    socket.end()
    socket.resume()
    await new Promise((resolve) => socket.once('end', resolve))
    const stream = new ExecStream({ socket: socket as never, stdin: false, keys: new Uint8Array(), onDetach: () => undefined, ended })
    const said = text(stream)
    expect(await Promise.race([said, new Promise((resolve) => setImmediate(() => resolve('waits')))])).toBe('waits')
    end()
    expect(await said).toBe('')
  })
})
