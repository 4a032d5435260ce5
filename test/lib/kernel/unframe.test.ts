import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { unframe } from '../../../lib/kernel/unframe.js'

const frame = (stream: number, text: string): Buffer => {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

async function read(pieces: readonly Buffer[]): Promise<{ stdout: string; stderr: string }> {
  const found = { stdout: '', stderr: '' }
  await unframe(Readable.from(pieces), {
    stdout: (bytes) => {
      found.stdout += Buffer.from(bytes).toString()
    },
    stderr: async (bytes) => {
      await new Promise((resolve) => setImmediate(resolve))
      found.stderr += Buffer.from(bytes).toString()
    },
  })
  return found
}

const ALL = Buffer.concat([frame(1, 'out one\n'), frame(2, 'err\n'), frame(1, ''), frame(1, 'out two\n')])

test.each([1, 3, 8, 9, ALL.length])('cut into pieces of %i bytes, each stream is whole', async (size) => {
  const pieces = Array.from({ length: Math.ceil(ALL.length / size) }, (_, at) => ALL.subarray(at * size, (at + 1) * size))
  expect(await read(pieces)).toEqual({ stdout: 'out one\nout two\n', stderr: 'err\n' })
})

test('what the engine complains of is a failure', async () => {
  await expect(read([frame(1, 'x'), frame(3, 'it broke')])).rejects.toThrow('error from daemon in stream: it broke')
  const bytes = [...frame(3, 'it broke in Köln')].map((byte) => Buffer.from([byte]))
  await expect(read(bytes)).rejects.toThrow('error from daemon in stream: it broke in Köln')
})
