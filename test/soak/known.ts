/** A container that somebody was answered for: what was said of it, and whether it is so. */
import type { EngineApi } from '../support/engines/api.js'
import { parseFrames, textOf } from '../support/engines/http.js'

/** Lines of one that ends by itself. */
export const LINES = 200

export interface Known {
  readonly name: string
  /** A short one prints its lines and ends with `code`; a long one counts until it is ended. */
  readonly kind: 'short' | 'long'
  readonly code: number
  state: 'created' | 'starting' | 'started' | 'removing' | 'removed'
  /** Its shim was killed: it ends with 137, whatever it did. */
  killed: boolean
}

export const PROGRAM = {
  short: (code: number) => `seq ${LINES}; exit ${code}`,
  // Each line is told when it is on its way: what comes after a gap would show it. Written by hand, since a shell's `sleep` is a process each time.
  long: () => `trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done`,
}

interface State {
  readonly Running: boolean
  readonly Status: string
  readonly ExitCode: number
}

export async function linesOf(api: EngineApi, name: string): Promise<string[]> {
  const { body } = await api.get(`/containers/${name}/logs?stdout=1`)
  return textOf(parseFrames(body).frames, 1).split('\n').slice(0, -1)
}

const numbers = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join()

/** What is not as it was answered; none when all is well. Nobody else may be at it meanwhile. */
export async function complaintsAbout(api: EngineApi, known: Known): Promise<string[]> {
  const { name, kind, code, state, killed } = known
  const answer = await api.get(`/containers/${name}/json`)
  if (state === 'removed') return answer.status === 404 ? [] : [`${name} was removed, and is there`]
  if (state === 'removing') return []
  if (answer.status !== 200) return [`${name} was made, and is answered with ${answer.status}`]
  const { State } = answer.json<{ State: State }>()
  if (state === 'created' || (state === 'starting' && State.Status === 'created')) {
    return State.Status === 'created' ? [] : [`${name} was never started, and is ${State.Status}`]
  }
  if (kind === 'long' && !killed && !State.Running) return [`${name} ran, and is ${State.Status} (${State.ExitCode})`]
  const ended = kind === 'short' || killed ? await (await api.wait(name)).status : undefined
  const lines = await linesOf(api, name)
  const wanted = killed ? [137, code] : [code]
  return [
    ...(ended !== undefined && !wanted.includes(ended) ? [`${name} ended with ${ended} instead of ${code}`] : []),
    ...(kind === 'short' && !killed && lines.length !== LINES ? [`${name} has a log of ${lines.length} lines`] : []),
    ...(lines.join() === numbers(lines.length) ? [] : [`${name} has a log with gaps`]),
  ]
}
