import { describe, expect, test } from 'vitest'
import { FrameReader, frameHeader, readExit } from '../../../lib/kernel/frames.js'

function frame(type: number, body: Buffer): Buffer {
  return Buffer.concat([frameHeader(type, body.length), body])
}

describe('FrameReader', () => {
  test('finds the same frames however the stream is cut', () => {
    const sent = [frame(0x81, Buffer.from('12345678')), frame(0x85, Buffer.alloc(3000, 1)), frame(0x89, Buffer.alloc(0))]
    const stream = Buffer.concat(sent)
    for (const size of [1, 2, 3, 4, 5, 7, 1000, stream.length]) {
      const reader = new FrameReader()
      const seen: Buffer[] = []
      for (let at = 0; at < stream.length; at += size) {
        reader.push(stream.subarray(at, at + size), (type, body) => seen.push(frame(type, Buffer.from(body))))
      }
      expect(Buffer.concat(seen).equals(stream)).toBe(true)
    }
  })

  test.each([0, 0xffff_ffff])('refuses a length of %i instead of waiting for it', (length) => {
    const header = Buffer.alloc(5)
    header.writeUInt32LE(length, 0)
    expect(() => new FrameReader().push(header, () => undefined)).toThrow('which no frame has')
  })
})

describe('readExit', () => {
  const exit = (status: number) => {
    const body = Buffer.alloc(37)
    body.writeInt32LE(status, 0)
    return readExit(body)
  }

  test('takes a wait status apart as shells and Docker count', () => {
    expect(exit(0)).toMatchObject({ code: 0, signal: 0 })
    expect(exit(7 << 8)).toMatchObject({ code: 7, signal: 0 })
    expect(exit(9)).toMatchObject({ code: 137, signal: 9 })
    expect(exit(0x80 | 11)).toMatchObject({ code: 139, signal: 11 })
  })
})
