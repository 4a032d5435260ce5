/** HTTP/1.1 as bytes: what the client library hides is what these tests are about. RFC 9112. */

export interface Head {
  /** `POST /path HTTP/1.1`, or `HTTP/1.1 200 OK`. */
  readonly first: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Of it and the empty line after it, in bytes. */
  readonly length: number
}

/** The head that the bytes begin with; undefined while it is not whole. */
export function parseHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { first, headers: Object.fromEntries(headers), length: end + 4 }
}

export const statusOf = ({ first }: Head): number => Number(first.split(' ')[1])

/** How its body is told from what comes after it. `close`: by the end of the stream. `raw`: it is no HTTP any more. */
export type Border = { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' | 'close' | 'raw' }

export function requestBorder({ headers }: Head): Border {
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') return { kind: 'chunked' }
  return { kind: 'length', length: Number(headers['content-length'] ?? 0) }
}

export function responseBorder(head: Head, method: string): Border {
  const status = statusOf(head)
  if (status === 101) return { kind: 'raw' }
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) return { kind: 'length', length: 0 }
  if (head.headers['transfer-encoding']?.toLowerCase() === 'chunked') return { kind: 'chunked' }
  if (head.headers['content-length'] !== undefined) return { kind: 'length', length: Number(head.headers['content-length']) }
  return { kind: 'close' }
}

export interface Body {
  readonly bytes: Buffer
  /** Taken from the stream, borders included. */
  readonly length: number
  readonly whole: boolean
}

/** What is there of a body; `ended`: nothing more will come. */
export function parseBody(bytes: Buffer, border: Border, ended: boolean): Body {
  if (border.kind === 'chunked') return parseChunks(bytes)
  if (border.kind === 'length') {
    const part = bytes.subarray(0, border.length)
    return { bytes: part, length: part.length, whole: part.length === border.length }
  }
  return { bytes, length: bytes.length, whole: ended }
}

function parseChunks(bytes: Buffer): Body {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return { bytes: Buffer.concat(parts), length: bytes.length, whole: false }
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    const after = end + 2 + size
    parts.push(bytes.subarray(end + 2, Math.min(after, bytes.length)))
    if (bytes.length < after + 2) return { bytes: Buffer.concat(parts), length: bytes.length, whole: false }
    at = after + 2
    if (size === 0) return { bytes: Buffer.concat(parts), length: at, whole: true }
  }
}

export interface Frame {
  /** 1: stdout, 2: stderr. */
  readonly stream: number
  readonly bytes: Buffer
}

/** Docker's framing: stream, three zeros, length as 32 bits with the highest byte first. Throws for what cannot be one; `rest` is one that is not whole. */
export function parseFrames(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= 8) {
    const stream = bytes[at] as number
    if (stream > 3 || bytes.readUIntBE(at + 1, 3) !== 0) {
      throw new Error(`no frame begins at byte ${at}: ${bytes.subarray(at, at + 16).toString('hex')}`)
    }
    const length = bytes.readUInt32BE(at + 4)
    if (bytes.length - at - 8 < length) break
    frames.push({ stream, bytes: bytes.subarray(at + 8, at + 8 + length) })
    at += 8 + length
  }
  return { frames, rest: bytes.subarray(at) }
}

/** What the first frame of a stream says. It may come in pieces. */
export async function firstFrame(stream: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) {
    parts.push(part as Buffer)
    const [frame] = parseFrames(Buffer.concat(parts)).frames
    if (frame) return frame.bytes.toString()
  }
  throw new Error(`the stream has ended within its first frame: ${Buffer.concat(parts).toString('hex')}`)
}

/** All of one stream. */
export const textOf = (frames: readonly Frame[], stream: number): string =>
  Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ bytes }) => bytes)).toString()
