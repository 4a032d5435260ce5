import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { describe, expect, it } from 'vitest'
import { Keyboard, parseKeys } from '../../../lib/tutor/keys.js'

describe('parseKeys', () => {
  it.each<[string, string[]]>([
    ['a', ['a']],
    ['\r', ['enter']],
    ['\n', ['enter']],
    ['\r\n', ['enter']],
    [' e', ['space', 'e']],
    ['\x03', ['ctrl-c']],
    ['\x04', ['ctrl-d']],
    ['\x1b', ['escape']],
    ['\x1b[A', ['up']],
    ['\x1bOB', ['down']],
    ['\x1b[1;5C', ['right']],
    ['\x1b[5~', ['page-up']],
    ['\x1b[200~', ['unknown']],
    ['\x1b[24;80R', ['unknown']],
    ['\x1bx', ['unknown']],
    ['\x1b[Aq', ['up', 'q']],
    ['é', ['é']],
    ['⛵', ['⛵']],
    ['\x7f', ['backspace']],
    ['', []],
  ])('reads %j', (chunk, keys) => {
    expect(parseKeys(chunk)).toEqual(keys)
  })
})

describe('Keyboard', () => {
  /** Not a terminal, but something that behaves as one towards the program. */
  function terminal() {
    const stream = new PassThrough() as PassThrough & { raw: boolean; setRawMode(on: boolean): unknown; isTTY: boolean }
    stream.raw = false
    stream.isTTY = true
    stream.setRawMode = (on) => {
      stream.raw = on
      return stream
    }
    return stream
  }
  const tick = () => new Promise((resolve) => setImmediate(resolve))

  it('gives one key at a time, and drops what was typed before or along with it', async () => {
    const stream = terminal()
    const keyboard = new Keyboard(stream as unknown as ReadStream)
    keyboard.open()
    expect(stream.raw).toBe(true)
    stream.write('early')
    await tick()
    const key = keyboard.next()
    stream.write('ab')
    expect(await key).toBe('a')
    const other = keyboard.next()
    stream.write('c')
    expect(await other).toBe('c')
    keyboard.close()
    expect(stream.raw).toBe(false)
  })

  it('quits with 130 on Ctrl-C wherever it stands', async () => {
    const stream = terminal()
    const keyboard = new Keyboard(stream as unknown as ReadStream)
    const key = keyboard.next()
    stream.write('a\x03')
    await expect(key).rejects.toMatchObject({ name: 'Quit', status: 130 })
    keyboard.close()
  })

  it('quits when the terminal goes away', async () => {
    const stream = terminal()
    const keyboard = new Keyboard(stream as unknown as ReadStream)
    const key = keyboard.next()
    stream.end()
    await expect(key).rejects.toMatchObject({ name: 'Quit', status: 129 })
    await expect(keyboard.next()).rejects.toMatchObject({ status: 129 })
  })

  it('gives the terminal away and takes it back', async () => {
    const stream = terminal()
    const keyboard = new Keyboard(stream as unknown as ReadStream)
    keyboard.open()
    await keyboard.away(async () => {
      expect(stream.raw).toBe(false)
    })
    expect(stream.raw).toBe(true)
    keyboard.close()
  })

  it('can stop waiting', async () => {
    const stream = terminal()
    const keyboard = new Keyboard(stream as unknown as ReadStream)
    const controller = new AbortController()
    void keyboard.next(controller.signal)
    controller.abort()
    stream.write('x')
    await tick()
    const key = keyboard.next()
    stream.write('y')
    expect(await key).toBe('y')
    keyboard.close()
  })
})
