/** One probe: a program that is run in a container to hear from it whether it is well. */
import type { Readable } from 'node:stream'
import { showDuration } from '../../kernel/durations.js'
import { sentenceOf } from '../../kernel/errors.js'
import { unframe } from '../../kernel/unframe.js'
import type { ContainerHandle } from '../context.js'
import { within } from '../within.js'
import type { Execs } from './execs.js'

/** Bytes of its output that are kept, as docker keeps them. */
const KEPT = 4096

/** How long it may take until its program runs, in milliseconds; that does not count as the probe's own time. */
const START_PATIENCE = 30_000

/** Nanoseconds. */
const MILLI = 1e6

export interface Probed {
  /** -1: the program was not run to its end. */
  readonly exitCode: number
  readonly output: string
}

export interface ProbeOptions {
  readonly argv: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
  /** Nobody wants to hear the answer any more: the program is killed. */
  readonly signal: AbortSignal
  /** Called when the program runs; never when it does not come so far. */
  readonly onBegun?: () => void
}

/** Resolves when nothing of it runs any more; never rejects. */
export async function probe(execs: Execs, container: ContainerHandle, { argv, timeout, signal, onBegun }: ProbeOptions): Promise<Probed> {
  const starting = execs.runProbe(container, argv)
  const program = await within(starting, START_PATIENCE)
    .then((begun) => (begun ? starting : undefined))
    .catch((error) => ({ failure: sentenceOf(error) }))
  if (program === undefined) {
    void starting.then(({ kill }) => kill()).catch(() => undefined)
    return { exitCode: -1, output: `timed out starting health check for container ${container.id}` }
  }
  if ('failure' in program) return { exitCode: -1, output: program.failure }
  const { stream, exited, kill } = program
  onBegun?.()
  if (signal.aborted) kill()
  signal.addEventListener('abort', kill)
  try {
    const said = outputOf(stream)
    if (await within(exited, timeout)) return { exitCode: await exited, output: await said }
    kill()
    await exited
    const output = await said
    return { exitCode: -1, output: `Health check exceeded timeout (${showDuration(timeout * MILLI)})${output && `: ${output}`}` }
  } finally {
    signal.removeEventListener('abort', kill)
    stream.destroy()
  }
}

/** The beginning of what is said on both streams, in the order in which it came, and three dots when there was more. */
async function outputOf(stream: Readable): Promise<string> {
  const kept: Uint8Array[] = []
  let room = KEPT
  let more = false
  const keep = (piece: Uint8Array): void => {
    more ||= piece.length > room
    const taken = piece.subarray(0, room)
    room -= taken.length
    if (taken.length > 0) kept.push(taken)
  }
  await unframe(stream, { stdout: keep, stderr: keep })
  return `${Buffer.concat(kept).toString()}${more ? '...' : ''}`
}
