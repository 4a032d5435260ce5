/** What the workshop knows of recorded sessions. */
import type { TraceEvent } from '../trace/types.js'
import type { SessionSummary } from './protocol.js'

export interface Traces {
  /** Newest first. */
  list(): Promise<readonly SessionSummary[]>
  /** All events of one; undefined when there is none. */
  read(id: string): Promise<readonly TraceEvent[] | undefined>
  /** Those from `first` on, and what comes to be written until `signal` is aborted; undefined when there is none. */
  follow(id: string, first: number, signal: AbortSignal): AsyncIterable<TraceEvent> | undefined
}
