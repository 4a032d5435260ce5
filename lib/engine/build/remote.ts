/** A context that is somewhere on the web, which the engine fetches itself. */
import { begun } from '../../kernel/begun.js'
import { DrydockError } from '../../kernel/errors.js'
import { counted } from '../download.js'
import type { BuildOutput } from './types.js'
import { fetched, isGitUrl, isUrl } from './web.js'

export interface Sent {
  /** A Dockerfile, and then there is no context. */
  readonly dockerfile?: string
  readonly context: AsyncIterable<Uint8Array>
}

/** What docker takes for an archive. Anything else is refused: of what says nothing of itself, text is a Dockerfile. */
const ARCHIVES = /^application\/(?:(?:x-)?tar|octet-stream|(?:x-)?(?:gzip|bzip2?|xz))/

/** Bytes that are looked at to tell text from an archive; of a Dockerfile that is fetched. */
const LOOKED_AT = 512
const LONGEST_DOCKERFILE = 8 * 1024 * 1024

/** `remote` undefined: the context is the body. */
export async function withRemote<T>(
  remote: string | undefined,
  body: AsyncIterable<Uint8Array>,
  output: BuildOutput,
  use: (sent: Sent) => Promise<T>,
): Promise<T> {
  if (remote === undefined || remote === '') return use({ context: body })
  if (isGitUrl(remote)) {
    throw new DrydockError(`contexts of git are not fetched here: clone ${remote} and send the directory`, { status: 400 })
  }
  if (!isUrl(remote)) throw new DrydockError(`remoteURL (${remote}) could not be recognized as URL`, { status: 400 })
  return fetched(remote, output.signal, async ({ type, length, body: bytes }) => {
    const tell = (current: number) =>
      output.onProgress({
        id: 'Downloading context',
        status: remote,
        progressDetail: { current, ...(length !== undefined && { total: length }) },
      })
    const { first, all } = await begun(bytes, LOOKED_AT)
    if (first.length === 0) throw new DrydockError(`error detecting content type for remote ${remote}: empty response`, { status: 400 })
    const unknown = type === '' || type === 'application/octet-stream'
    if (type.startsWith('text/plain') || (unknown && isText(first.subarray(0, LOOKED_AT))))
      return use({ dockerfile: await textOf(all), context: nothing() })
    if (unknown || ARCHIVES.test(type)) return use({ context: counted(all, tell) })
    throw new DrydockError(`error detecting content type for remote ${remote}: unsupported Content-Type ${JSON.stringify(type)}`, {
      status: 400,
    })
  })
}

/** No byte that text has not: what browsers do with what says nothing of itself. */
const isText = (bytes: Buffer): boolean =>
  !bytes.some((byte) => byte <= 8 || byte === 11 || (byte >= 14 && byte <= 26) || (byte >= 28 && byte <= 31))

async function textOf(source: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of source) {
    length += chunk.length
    if (length > LONGEST_DOCKERFILE) throw new DrydockError(`the Dockerfile has more than ${LONGEST_DOCKERFILE} bytes`, { status: 400 })
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString()
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
