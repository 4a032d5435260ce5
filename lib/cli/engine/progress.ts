/** What an engine says while it pulls, pushes, loads: lines of JSON (Engine API, "JSON stream"), shown as the engine-less verbs show theirs. */
import type { Readable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'
import { displayOn, type ProgressEvent, type Screen } from '../progress.js'
import { linesOf } from './lines.js'

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
  try {
    for await (const line of linesOf(stream)) {
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
