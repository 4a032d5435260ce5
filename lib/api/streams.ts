/** Answers that take their time: what is read is sent on as fast as the client takes it, and the reading ends when the client goes. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import { isClientGone } from './answers.js'
import type { Log } from './context.js'

/** Aborted when the client goes before it has its answer. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  if (raw.destroyed) gone.abort()
  return gone.signal
}

/** To the end. When it breaks off, so does the answer: without its last chunk no client takes it for whole. */
export async function pour(source: Readable, response: ServerResponse, log: Log): Promise<void> {
  try {
    await pipeline(source, response)
  } catch (error) {
    if (isClientGone(error)) return
    log('warn', `an answer broke off: ${(error as Error).message}`)
  }
}

/** One JSON document a line, to the end of the source or the client's. */
export async function pourLines(source: AsyncIterable<unknown>, response: ServerResponse, signal: AbortSignal, log: Log): Promise<void> {
  try {
    for await (const document of source) {
      if (signal.aborted) break
      await write(response, `${JSON.stringify(document)}\n`, signal)
    }
    response.end()
  } catch (error) {
    response.destroy()
    if (!signal.aborted) log('warn', `an answer broke off: ${(error as Error).message}`)
  }
}

/** Resolves when the client has room for more. */
async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (response.write(text) || signal.aborted) return
  await once(response, 'drain', { signal }).catch(() => undefined)
}
