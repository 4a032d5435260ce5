/** What an engine says line by line, for as long as it likes. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'

/** To its end. A connection that breaks is a failure, which the lines do not tell. */
export async function* linesOf(stream: Readable): AsyncGenerator<string, void, void> {
  let broken: Error | undefined
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  stream.once('error', (error) => {
    broken = error
    lines.close()
  })
  try {
    for await (const line of lines) if (line.trim() !== '') yield line
  } catch (error) {
    // Newer versions of Node have the lines fail with what they are read from.
    broken = error as Error
  }
  if (broken) throw new DrydockError(`the connection to the engine broke off (${broken.message})`, { cause: broken })
}
