/** One probe: a program that is run in a container to hear from it whether it is well. */
import type { Readable } from 'node:stream'
import { sentenceOf } from '../../kernel/errors.js'
import type { ContainerHandle } from '../context.js'
import type { Execs } from './execs.js'

/** Bytes of its output that are kept, as docker keeps them. */
const KEPT = 4096

/** How long it may take until its program runs, in milliseconds; that does not count as the probe's own time. */
const START_PATIENCE = 30_000

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
  const program = await within(starting, START_PATIENCE).catch((error) => ({ failure: sentenceOf(error) }))
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
    const code = await within(exited, timeout)
    if (code !== undefined) return { exitCode: code, output: await said }
    kill()
    await exited
    const output = await said
    return { exitCode: -1, output: `Health check exceeded timeout (${goDuration(timeout)})${output && `: ${output}`}` }
  } finally {
    signal.removeEventListener('abort', kill)
    stream.destroy()
  }
}

/** Undefined when it took longer than so many milliseconds. */
async function within<T>(event: Promise<T>, patience: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience)
  })
  try {
    return await Promise.race([event, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Stream number, three zero bytes, length (big-endian). */
const HEADER = 8

/** The beginning of what is said on both streams, in the order in which it came, and three dots when there was more. */
async function outputOf(stream: Readable): Promise<string> {
  const kept: Buffer[] = []
  let room = KEPT
  let more = false
  let header: Buffer = Buffer.alloc(0)
  let left = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0; ) {
      if (left === 0) {
        const part = rest.subarray(0, HEADER - header.length)
        header = Buffer.concat([header, part])
        rest = rest.subarray(part.length)
        if (header.length < HEADER) break
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        continue
      }
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.length)
      left -= piece.length
      more ||= piece.length > room
      const taken = piece.subarray(0, room)
      room -= taken.length
      if (taken.length > 0) kept.push(taken)
    }
  }
  return `${Buffer.concat(kept).toString()}${more ? '...' : ''}`
}

/** As Go prints it: `500ms`, `30s`, `1m30s`, `1.5s`. */
export function goDuration(millis: number): string {
  if (millis < 1000) return `${millis}ms`
  const seconds = millis / 1000
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Number((seconds % 60).toFixed(9))]
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${rest}s`
}
