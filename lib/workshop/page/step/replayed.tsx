import type { TraceEvent } from '../../../trace/types.js'
export function Replayed(_: { events: readonly TraceEvent[]; running: boolean }) {
  return null
}
