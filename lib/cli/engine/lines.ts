/** What an engine says line by line, for as long as it likes. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** To its end. A connection that breaks is a failure, which the lines do not tell; those that have come are told before. */
export async function* linesOf(stream: Readable): AsyncGenerator<string, void, void> {
  let broken: Error | undefined
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  stream.once('error', (error) => {
    broken = error
    lines.close()
  })
  for await (const line of lines) if (line.trim() !== '') yield line
  if (broken) throw broken
}
