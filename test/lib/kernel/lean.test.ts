import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { close, mkdir, open, read, write } from '../../../lib/kernel/calls/files.js'
import { constant, flags } from '../../../lib/kernel/constants.js'
import { encodeBatch, Slots } from '../../../lib/kernel/encode.js'
import { TO_SHIM } from '../../../lib/kernel/frames.js'
import { LeanBatch, lean } from '../../../lib/kernel/lean.js'
import { container, ref, withActors } from '../../../lib/kernel/step.js'

const CWD = constant('at', 'fdcwd')

/** The lean form gives paths as bytes and the usual one as text: the shim treats both as strings, the wire does not. So paths are cut out. */
describe('steps without objects', () => {
  test('are the same bytes as those of constructors, where these take bytes', () => {
    const slots = new Slots()
    const file = slots.define('file')
    const steps = withActors(container([write(ref('file'), 'content'), close(ref('file'), { allow: ['EBADF'] })]))
    const usual = Buffer.from(encodeBatch(7, steps, slots))
    usual[4] = TO_SHIM.quiet
    const batch = new LeanBatch(8)
    batch.begin(lean('write', 3)).slot(file).bytes(Buffer.from('content')).int(7).end()
    batch
      .begin(lean('close', 1, { allow: ['EBADF'] }))
      .slot(file)
      .end()
    expect(Buffer.from(batch.frame(7)).toString('hex')).toBe(usual.toString('hex'))
    expect([batch.steps, batch.callOf(0), batch.callOf(1)]).toEqual([2, 'write', 'close'])
  })

  test('a buffer for the answer is one of so many bytes', () => {
    const usual = Buffer.from(encodeBatch(7, withActors(container([read(3, 4096)])), new Slots()))
    usual[4] = TO_SHIM.quiet
    const batch = new LeanBatch(8)
    batch.begin(lean('read', 3)).int(3).out(4096).int(4096).end()
    expect(Buffer.from(batch.frame(7)).toString('hex')).toBe(usual.toString('hex'))
  })

  test('paths are bytes, numbers have 64 bits', () => {
    const slots = new Slots()
    const made = withActors(container([open('ab', ['creat', 'wronly'], { mode: 0o644, keep: 'file' }), mkdir('d', 0o700)]))
    const usual = Buffer.from(encodeBatch(1, made, slots)).toString('hex')
    const batch = new LeanBatch(16)
    const openat = lean('openat', 4, { keep: slots.find('file') })
    batch
      .begin(openat)
      .int(CWD)
      .string('ab')
      .int(flags('open', ['creat', 'wronly', 'cloexec']))
      .int(0o644)
      .end()
    batch.begin(lean('mkdirat', 3)).int(CWD).string('d').int(0o700).end()
    const text = (path: string) => `0301000${path.length}00${Buffer.from(path).toString('hex')}`
    const bytes = (path: string) => `020${path.length}000000${Buffer.from(path).toString('hex')}0000`
    const expected = usual.replace(text('ab'), bytes('ab')).replace(text('d'), bytes('d'))
    expect(Buffer.from(batch.frame(1)).toString('hex').slice(10)).toBe(expected.slice(10))
  })

  test.each([0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -100, -(2 ** 31), -(2 ** 32), -(2 ** 53) + 1])(
    '%d',
    (value) => {
      const batch = new LeanBatch(1)
      const call = lean('x', 1)
      batch.begin(call).int(value).end()
      expect(Buffer.from(batch.frame(1)).readBigInt64LE(11 + call.head.length + 1)).toBe(BigInt(value))
      batch.clear()
      batch.begin(call).times({ seconds: value, nanoseconds: 1 }, { seconds: 2, nanoseconds: 999_999_999 }).end()
      const at = 11 + call.head.length + 5
      const frame = Buffer.from(batch.frame(1))
      expect([0, 8, 16, 24].map((offset) => frame.readBigInt64LE(at + offset))).toEqual([BigInt(value), 1n, 2n, 999_999_999n])
    },
  )

  test('are the same bytes wherever room for them ends', () => {
    // Memory that was another's has anything in it.
    const dirty = vi.spyOn(Buffer, 'allocUnsafe').mockImplementation((size) => Buffer.alloc(size, 0xff))
    onTestFinished(() => dirty.mockRestore())
    const call = lean('write', 4, { keep: 3, allow: ['EBADF'] })
    const times = { seconds: 2 ** 33, nanoseconds: 5 }
    const made = (size: number) => {
      const batch = new LeanBatch(size)
      batch.begin(call).slot(2).bytes(Buffer.from('content')).int(7).out(9).end()
      batch.begin(call).slot(2).string('text').times(times, times).int(-1).end()
      return Buffer.from(batch.frame(1)).toString('hex')
    }
    const whole = made(4096)
    for (let size = 11; size <= whole.length / 2; size++) expect(made(size), `room for ${size} bytes`).toBe(whole)
  })

  test('a batch used again is as if new, and a full one says so', () => {
    const batch = new LeanBatch(100)
    const call = lean('getpid', 0)
    batch.begin(lean('write', 3)).slot(1).bytes(Buffer.alloc(500, 0xff)).int(500).end()
    batch.clear()
    batch.begin(call).end()
    const fresh = new LeanBatch(100)
    fresh.begin(call).end()
    expect(Buffer.from(batch.frame(3)).equals(fresh.frame(3))).toBe(true)
    for (let i = 1; i < 0xffff; i++) fresh.begin(call).end()
    expect(() => fresh.begin(call)).toThrow('a batch has at most 65535 steps')
  })
})
