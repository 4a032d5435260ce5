/** What an engine says while it pulls, pushes, loads: lines of JSON (Engine API, "JSON stream"), shown as the engine-less verbs show theirs. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'
import { displayOn, type ProgressEvent, type Screen } from '../progress.js'

interface Message {
  readonly status?: string
  readonly stream?: string
  readonly id?: string
  readonly progressDetail?: ProgressEvent['progressDetail']
  readonly error?: string
  readonly errorDetail?: { readonly message?: string; readonly code?: number }
  readonly aux?: Readonly<Record<string, unknown>>
}

/** Resolves with what the lines told beside their words. Fails with what the engine says it failed by. */
export async function followProgress(stream: Readable, screen?: Screen): Promise<Readonly<Record<string, unknown>>[]> {
  const display = screen && displayOn(screen)
  const told: Readonly<Record<string, unknown>>[] = []
  // A connection that breaks is a failure of the stream, which the lines of it do not tell.
  const broken = new Promise<never>((_, reject) => stream.once('error', reject))
  broken.catch(() => undefined)
  try {
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
    for (;;) {
      const { value: line, done } = await Promise.race([lines.next(), broken])
      if (done) break
      if (line.trim() === '') continue
      const { status, stream: text, id, progressDetail, error, errorDetail, aux } = JSON.parse(line) as Message
      if (error !== undefined || errorDetail) throw failed(errorDetail?.message ?? (error as string), errorDetail?.code)
      if (aux) told.push(aux)
      if (text !== undefined) screen?.write(text)
      if (status !== undefined) display?.show({ status, ...(id && { id }), ...(progressDetail && { progressDetail }) })
    }
  } finally {
    display?.end()
  }
  return told
}

/** `code` is what a build's program ended with. */
function failed(message: string, code: number | undefined): DrydockError {
  const error = new DrydockError(message, { status: 500 })
  return code ? Object.assign(error, { exitCode: code }) : error
}
