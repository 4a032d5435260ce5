import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { decompress } from '../../../lib/image/compression.js'
import { DrydockError } from '../../../lib/kernel/errors.js'

/** By zstd 1.5, of 'hello ', with a checksum. */
const HELLO = Buffer.from('KLUv/QRYMQAAaGVsbG8g0jvhqQ==', 'base64')

/** By the same, of 300,000 times 'a': blocks that are a byte repeated, after a content size of four bytes. */
const LARGE = Buffer.from('KLUv/QRYVAAAEGFhAQD7/znAAgIAEGEDnwRhjV8Epg==', 'base64')

async function* chunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size))
}

async function read(bytes: Buffer, size = 1000): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of decompress(chunks(bytes, size))) all.push(chunk)
  return Buffer.concat(all)
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('what compressed a layer is seen by its first bytes', () => {
  const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(1_000_000, 'text'), randomBytes(10)])

  test.each([1, 7, 1000, 10_000_000])('gzip and none, in chunks of %d', async (size) => {
    const some = size === 1 ? content.subarray(299_000, 305_000) : content
    expect(digest(await read(gzipSync(some), size))).toBe(digest(some))
    expect(digest(await read(some, size))).toBe(digest(some))
  })

  test('several members of gzip are one stream, and so are frames of zstd', async () => {
    expect((await read(Buffer.concat([gzipSync('one '), gzipSync('two')]), 5)).toString()).toBe('one two')
    const skipped = Buffer.from('502a4d180400000061626364', 'hex')
    expect((await read(Buffer.concat([HELLO, skipped, HELLO]))).toString()).toBe('hello hello ')
    expect(digest(await read(Buffer.concat([LARGE, HELLO]), 7))).toBe(digest(Buffer.from(`${'a'.repeat(300_000)}hello `)))
    expect((await read(Buffer.concat([skipped, HELLO]), 3)).toString()).toBe('hello ')
  })

  test('nothing at all is nothing', async () => {
    expect(await read(Buffer.alloc(0))).toHaveLength(0)
    expect((await read(Buffer.from('ab'))).toString()).toBe('ab')
  })

  test('what is no layer’s compression is named', async () => {
    await expect(read(Buffer.from('fd377a585a000004', 'hex'))).rejects.toThrow(
      'the data is compressed by xz; layers are compressed by gzip or zstd',
    )
    await expect(read(Buffer.from('BZh91AY&SY'))).rejects.toThrow('compressed by bzip2')
  })

  test('damage is one sentence', async () => {
    const whole = gzipSync(content)
    await expect(read(whole.subarray(0, 200_000))).rejects.toThrow('the gzip data ends too early')
    const broken = Buffer.from(whole)
    broken.fill(0xff, 100_000, 100_100)
    await expect(read(broken)).rejects.toThrow(/^the gzip data is damaged \(.+\)$/)
    await expect(read(HELLO.subarray(0, 15))).rejects.toThrow('the zstd data ends too early')
    const window = Buffer.concat([Buffer.from('28b52ffd00f8', 'hex'), Buffer.alloc(20)])
    await expect(read(window)).rejects.toThrow(/needs \d+ MiB of memory/)
    // Also behind others, wherever the chunks' borders are.
    const later = Buffer.concat([HELLO, Buffer.from('502a4d180400000061626364', 'hex'), LARGE, window])
    for (const size of [1, 5, 10_000]) await expect(read(later, size)).rejects.toThrow(/needs \d+ MiB of memory/)
  })

  test('the source’s own error comes through, and a reader that stops ends the source', async () => {
    async function* failing() {
      yield gzipSync(content).subarray(0, 100_000)
      throw new DrydockError('the registry is gone')
    }
    await expect(async () => {
      for await (const _ of decompress(failing()));
    }).rejects.toThrow('the registry is gone')

    for (const bytes of [gzipSync(content), content, Buffer.concat(Array.from({ length: 50 }, () => HELLO))]) {
      let ended = false
      async function* watched() {
        try {
          yield* chunks(bytes, 100)
        } finally {
          ended = true
        }
      }
      for await (const _ of decompress(watched())) break
      await expect.poll(() => ended).toBe(true)
    }
  })
})
