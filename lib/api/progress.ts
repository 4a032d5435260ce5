/**
 * The stream of pull, push, load and import: JSON documents with CR LF behind each (streamformatter.go). A failure before the first of them is an
 * answer of its own; one after it is a document in the stream, since the status is sent already.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { CommandFailed } from '../engine/build/failure.js'
import { humanSize } from '../engine/units.js'
import type { OnProgress, Progress } from '../image/progress.js'
import { beginStream, failureOf } from './answers.js'
import type { Log } from './context.js'

/** Bytes that may wait for a client that does not read. Then it misses how far things are, and nothing else. */
const BACKLOG = 1024 * 1024

export interface ProgressStream {
  readonly onProgress: OnProgress
  send(document: Readonly<Record<string, unknown>>): void
}

/**
 * Do it, and answer with what it tells. `always`: the answer is 200 whatever comes. Its head waits for the first line all the same: skopeo sends no more of
 * its archive when it has the head of the answer.
 */
export async function streamProgress(
  reply: FastifyReply,
  log: Log,
  act: (stream: ProgressStream) => Promise<void>,
  options: { readonly always?: boolean } = {},
): Promise<void> {
  let response: ServerResponse | undefined
  const send = (document: Readonly<Record<string, unknown>>) => {
    response ??= beginStream(reply, 'application/json')
    if (!response.destroyed) response.write(`${JSON.stringify(document)}\r\n`)
  }
  const onProgress = (progress: Progress) => {
    const bar = (progress.progressDetail?.current ?? 0) > 0
    if (bar && response && response.writableLength > BACKLOG) return
    send(progressDocument(progress))
  }
  try {
    await act({ onProgress, send })
    response ??= beginStream(reply, 'application/json')
  } catch (error) {
    if (!response && !options.always) throw error
    const { message, stack } = failureOf(error)
    if (stack !== undefined && !reply.raw.destroyed) log('error', stack)
    send({ errorDetail: { ...(error instanceof CommandFailed && { code: error.code }), message }, error: message })
  }
  response?.end()
}

/** The members in docker's order; `progress` is for clients that show lines as they are. */
export function progressDocument({ id, status, progressDetail }: Progress): Readonly<Record<string, unknown>> {
  const { current = 0, total = 0 } = progressDetail ?? {}
  const detail = { ...(current !== 0 && { current }), ...(total !== 0 && { total }) }
  return {
    status,
    ...(progressDetail && { progressDetail: detail }),
    ...((current > 0 || total > 0) && { progress: barOf(current, total) }),
    ...(id !== undefined && { id }),
  }
}

/** Half a percent each has one place. */
const WIDTH = 50

/** `[===>      ]  32.77kB/1.086MB` (jsonmessage.go, JSONProgress.String, which has 200 columns in a daemon). */
function barOf(current: number, total: number): string {
  const now = humanSize(current).padStart(8)
  if (total <= 0) return now
  const filled = Math.min(WIDTH, Math.trunc(Math.trunc((current / total) * 100) / 2))
  return `[${'='.repeat(filled)}>${' '.repeat(WIDTH - filled)}] ${current > total ? now : `${now}/${humanSize(total)}`}`
}
