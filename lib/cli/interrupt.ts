/** Ctrl-C and its like, for what must be put in order before this program ends. */
import { DrydockError } from '../kernel/errors.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const NUMBERS: Readonly<Record<string, number>> = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }

/** What a shell has for one that was ended by a signal is 128 and its number. */
export class Interrupted extends DrydockError {
  readonly exitCode: number

  constructor(signal: string) {
    super('context canceled')
    this.exitCode = 128 + (NUMBERS[signal] ?? 0)
  }
}

/** The first signal aborts what `act` does; at the second the program ends as it would have. */
export async function interruptible<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let got: string | undefined
  const abort = (name: string) => {
    got = name
    controller.abort()
  }
  for (const name of SIGNALS) process.once(name, abort)
  try {
    return await act(controller.signal)
  } catch (error) {
    throw got === undefined ? error : new Interrupted(got)
  } finally {
    for (const name of SIGNALS) process.off(name, abort)
  }
}
