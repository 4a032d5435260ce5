/**
 * How an engine tells stdout from stderr on one connection: before each piece stands a head of eight bytes, of which the first is the stream (1 or 2) and the
 * last four are the length, the highest byte first. With a terminal there is nothing to tell apart, and no heads. Engine API, ContainerAttach.
 */

export interface Frame {
  readonly stream: number
  readonly bytes: Buffer
}

const HEAD = 8

/** Those that are complete. */
export function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4)
    if (at + HEAD + length > bytes.length) break
    frames.push({ stream: bytes.readUInt8(at), bytes: bytes.subarray(at + HEAD, at + HEAD + length) })
    at += HEAD + length
  }
  return frames
}

/** `01 00 00 00 00 00 00 04`, and what follows as text. */
export const headInHex = ({ stream, bytes }: Frame): string => {
  const head = Buffer.alloc(HEAD)
  head.writeUInt8(stream, 0)
  head.writeUInt32BE(bytes.length, 4)
  return head.toString('hex').replace(/(..)(?=.)/g, '$1 ')
}
