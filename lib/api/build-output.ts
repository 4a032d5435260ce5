/** What a build says, as documents of its stream: docker's streamformatter. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { BuildOutput } from '../engine/build/types.js'
import { type ProgressStream, progressDocument } from './progress.js'

export interface OutputOptions {
  /** Nothing but the image's id, unless it goes wrong. */
  readonly quiet: boolean
  /** Ids of images are told beside the lines. */
  readonly ids: boolean
  readonly signal: AbortSignal
}

/** Bytes that may wait for a client that does not read: then what a program prints waits with them. */
const BACKLOG = 1024 * 1024

/** What comes of standard error is red, as docker sends it. */
const RED = '\u001b[91m'
const PLAIN = '\u001b[0m'

/** `build` is told where to say things; the answer is the image's id. */
export async function toldBuild(
  { send }: ProgressStream,
  response: ServerResponse,
  { quiet, ids, signal }: OutputOptions,
  build: (output: BuildOutput) => Promise<string>,
): Promise<void> {
  const kept: Readonly<Record<string, unknown>>[] = []
  const tell = (document: Readonly<Record<string, unknown>>) => {
    if (quiet) {
      kept.push(document)
      return undefined
    }
    send(document)
    return response.writableLength > BACKLOG ? drained(response, signal) : undefined
  }
  try {
    const id = await build({
      say: (text) => tell({ stream: text }),
      complain: (text) => tell({ stream: `${RED}${text}${PLAIN}` }),
      onProgress: (progress) => void tell(progressDocument(progress)),
      tell: (aux) => void (ids && tell({ aux })),
      signal,
    })
    if (quiet) send({ stream: `${id}\n` })
  } catch (error) {
    for (const document of kept) send(document)
    throw error
  }
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  await once(response, 'drain', { signal }).catch(() => undefined)
}
