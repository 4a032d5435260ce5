/** The events of one session as they come, as something that can be stepped through. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { Replay } from '../../../trace/replay.js'
import type { TraceEvent } from '../../../trace/types.js'
import { onSilence } from '../silence.js'

/** Milliseconds after which a stream that was refused is tried again. */
const AGAIN = 3000

export interface Followed {
  readonly replay: Replay
  /** Grows with what comes: a replay that has grown is the same object. */
  readonly version: number
  readonly lost: boolean
}

export function useSession(id: string | undefined): Followed {
  const replay = useRef(new Replay())
  const [version, setVersion] = useState(0)
  const [lost, setLost] = useState(false)
  useEffect(() => {
    replay.current = new Replay()
    setVersion((before) => before + 1)
    if (id === undefined) return
    return follow(
      id,
      (event) => replay.current.add(event),
      () => setVersion((before) => before + 1),
      setLost,
    )
  }, [id])
  return { replay: replay.current, version, lost }
}

/** Gives the way to stop. `drawn` is called once for all that has come since the last frame. */
function follow(id: string, add: (event: TraceEvent) => void, drawn: () => void, lost: (lost: boolean) => void): () => void {
  let [next, frame, timer] = [0, 0, 0]
  let source: EventSource
  const open = () => {
    source = new EventSource(`/sessions/${encodeURIComponent(id)}/events`)
    source.onopen = () => lost(false)
    source.onerror = () => {
      lost(true)
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(open, AGAIN)
    }
    onSilence(source, ['message'], () => {
      lost(true)
      open()
    })
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as TraceEvent
      // Who comes again may be told again.
      if (event.seq < next) return
      next = event.seq + 1
      add(event)
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(drawn)
      // Nothing comes after these, and an ended stream would be opened again.
      if (event.what.kind === 'end' || event.what.kind === 'stopped') source.close()
    }
  }
  open()
  return () => {
    source.close()
    clearTimeout(timer)
    cancelAnimationFrame(frame)
  }
}
