/** An archive for docker cp may be compressed in the ways that Docker knows: by gzip and zstd here, by xz and bzip2 as Docker itself does it, by the host's programs. */
import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decompress } from '../../../image/compression.js'
import { DrydockError } from '../../../kernel/errors.js'

const PROGRAMS: readonly (readonly [name: string, magic: Buffer])[] = [
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
]
const LONGEST_MAGIC = 6

export async function* unpacked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < LONGEST_MAGIC) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    length += value.length
  }
  const first = Buffer.concat(chunks)
  const [program] = PROGRAMS.find(([, magic]) => first.subarray(0, magic.length).equals(magic)) ?? []
  const all = whole(first, iterator)
  if (program === undefined) yield* decompress(all)
  else yield* by(program, all)
}

async function* whole(first: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  try {
    if (first.length > 0) yield first
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

/** What the program makes of it. It is ended when nobody wants more. */
async function* by(program: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  const child = spawn(program, ['-d', '-c'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(0, 1000)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const absent = `the archive is compressed by ${program}, and this host has no program of that name`
      reject(cause.code === 'ENOENT' ? new DrydockError(absent, { status: 400, cause }) : cause)
    })
  })
  ended.catch(() => undefined)
  let failure: unknown
  const fed = pipeline(Readable.from(source, { objectMode: true }), child.stdin).catch((error: NodeJS.ErrnoException) => {
    // It has stopped reading, and says why itself.
    if (error.code !== 'EPIPE') failure = error
    child.stdin.destroy()
  })
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const code = await ended
    await fed
    if (failure !== undefined) throw failure
    if (code !== 0)
      throw new DrydockError(`the archive cannot be unpacked: ${said.trim() || `${program} ended with ${code}`}`, { status: 400 })
  } finally {
    child.kill('SIGKILL')
  }
}
