/** A container's streams and the caller's: output to where it belongs, keys and input to the container, until either side has ended. */
import { constants } from 'node:os'
import type { Duplex, Readable } from 'node:stream'
import { DetachKeys } from '../../engine/keys.js'
import { drained } from '../../kernel/drained.js'
import { passOn, type Sinks, unframe } from '../../kernel/unframe.js'
import { rawTerminal } from '../terminal.js'
import { PlainError } from './verb.js'

/** Of who has died by SIGPIPE. */
const BROKEN_PIPE = 128 + constants.signals.SIGPIPE

/** For what goes on until it is ended: when nobody reads it any more (`| head`), this program ends as a signal would end it. */
export function endWithReader(): void {
  process.stdout.once('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(BROKEN_PIPE)
  })
}

/** Write, and wait when the reader is slow. */
function sink(target: NodeJS.WriteStream): Sinks['stdout'] {
  return (bytes) => (target.write(bytes) ? undefined : drained(target))
}

export interface OutputOptions {
  readonly tty: boolean
  readonly stdout?: boolean
  readonly stderr?: boolean
}

const nowhere = (): void => undefined

/** All output to this program's own streams. */
export function printOutput(stream: Readable, { tty, stdout = true, stderr = true }: OutputOptions): Promise<void> {
  endWithReader()
  const out = stdout ? sink(process.stdout) : nowhere
  return tty ? passOn(stream, out) : unframe(stream, { stdout: out, stderr: stderr ? sink(process.stderr) : nowhere })
}

export interface Conversation extends OutputOptions {
  readonly stream: Duplex
  readonly stdin: boolean
  readonly detachKeys: Uint8Array
}

export type End = 'ended' | 'detached'

/**
 * The caller's terminal is raw as long as this goes on, when the container has one. The end of the caller's input ends the container's, and output goes
 * on; after the keys that detach the connection is given up.
 */
export async function converse({ stream, stdin, detachKeys, ...output }: Conversation): Promise<End> {
  const restore = output.tty && stdin ? rawTerminal() : () => undefined
  const input = stdin ? passInput(stream, output.tty && process.stdin.isTTY ? detachKeys : new Uint8Array()) : undefined
  // Without input the container is told at once, as docker does it.
  if (!stdin) stream.end()
  const printed = printOutput(stream, output).then(
    () => 'ended' as const,
    (error: NodeJS.ErrnoException) => {
      // A connection that is cut is an end too: `wait` tells how it came.
      if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'EPIPE') return 'ended' as const
      throw error
    },
  )
  try {
    return await Promise.race([printed, ...(input ? [input.detached] : [])])
  } finally {
    input?.stop()
    restore()
    stream.destroy()
  }
}

/** `detached` resolves when the keys were struck, and else never. */
function passInput(stream: Duplex, keys: Uint8Array): { detached: Promise<'detached'>; stop(): void } {
  const watched = new DetachKeys(keys)
  const { stdin } = process
  let take: (bytes: Buffer) => void = () => undefined
  const detached = new Promise<'detached'>((resolve) => {
    take = (bytes) => {
      const { through, detached: left } = watched.pass(bytes)
      const flowing = through.length === 0 || stream.write(through)
      if (left) return resolve('detached')
      if (!flowing) {
        stdin.pause()
        stream.once('drain', () => stdin.resume())
      }
    }
  })
  const end = () => void stream.end()
  stream.on('error', () => undefined)
  stdin.on('data', take)
  stdin.once('end', end)
  // A stdin that cannot be read (a directory, a closed descriptor) has ended.
  stdin.once('error', end)
  stdin.resume()
  return {
    detached,
    stop: () => {
      stdin.off('data', take)
      stdin.off('end', end)
      stdin.off('error', end)
      stdin.pause()
      stdin.unref?.()
    },
  }
}

/** Rows and columns of the caller's terminal; 0 and 0 without one, and the engine takes its own. */
export function consoleSize(): readonly [number, number] {
  const { isTTY, rows, columns } = process.stdout
  return isTTY && rows && columns ? [rows, columns] : [0, 0]
}

/** How often, and how many milliseconds apart, a terminal that may not be there yet is told its size. */
const TRIES = 10
const MOMENT = 10

/** Keep the size of the other terminal the same as this one's. Returns what stops that. */
export function followSize(resize: (rows: number, columns: number) => Promise<unknown>): () => void {
  const tell = async (tries: number): Promise<void> => {
    const [rows, columns] = consoleSize()
    if (rows === 0) return
    try {
      await resize(rows, columns)
    } catch {
      if (tries <= 1) {
        process.stderr.write('failed to resize tty, using default size\n')
        return
      }
      // The program may just be starting; docker tries as often.
      await new Promise((resolve) => setTimeout(resolve, MOMENT).unref())
      await tell(tries - 1)
    }
  }
  const changed = () => void tell(1)
  process.stdout.on('resize', changed)
  void tell(TRIES)
  return () => process.stdout.off('resize', changed)
}

/** Input that is to be typed needs somebody who types. */
export function checkTerminal(attachesStdin: boolean, tty: boolean): void {
  if (attachesStdin && tty && !process.stdin.isTTY) throw new PlainError('the input device is not a TTY')
}
