/** The engine's line to the shim of a living container: the one by which it was started, or one that was opened later. */
import { Control } from '../../kernel/control.js'
import type { Exit } from '../../kernel/frames.js'
import { readChildren } from '../../kernel/proc/processes.js'
import type { Shim } from '../../kernel/shim.js'

export interface Line {
  /** The container's first process, as this pid namespace numbers it. */
  readonly pid: number
  /** How the program ended; undefined when the shim was lost before it could say so. */
  readonly exited: Promise<Exit | undefined>
  /** It had ended already when the line was opened. */
  readonly over: boolean
  /** Resolves when the shim has undone what was to be undone, or is gone. */
  readonly ended: Promise<void>
  /** For further steps of the host's, with their undo. An engine that found the container running has none. */
  readonly shim: Shim | undefined
  signal(number: number): void
  resize(rows: number, columns: number): void
  close(): void
}

export function lineOf(shim: Shim): Line {
  // Asked for now: nobody listens yet when the shim is lost in the next moment.
  const exited = shim.exited.catch(() => undefined)
  const ended = shim.ended
  return {
    pid: shim.childPid as number,
    over: false,
    exited,
    ended,
    shim,
    signal: (number) => shim.signal(number),
    resize: (rows, columns) => shim.resize(rows, columns),
    close: () => void shim.close(),
  }
}

/** To a container that runs already; undefined when no shim answers at the socket. */
export async function findLine(socket: string): Promise<Line | undefined> {
  let control: Control
  try {
    control = await Control.open(socket)
  } catch {
    return undefined
  }
  const [pid = 0] = readChildren(control.shimPid)
  return {
    pid,
    // Said in the same breath as the greeting.
    over: control.over,
    exited: control.exited,
    ended: control.ended,
    shim: undefined,
    signal: (number) => control.signal(number),
    resize: (rows, columns) => control.resize(rows, columns),
    close: () => control.close(),
  }
}
