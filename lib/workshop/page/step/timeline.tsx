/** Forwards and backwards through a session: buttons, a slider, keys. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { isTyping } from '../use.js'

/** Milliseconds from one stop to the next while it plays. */
const BEAT = 2500

interface TimelineProps {
  readonly at: number
  readonly count: number
  readonly words: string
  /** The session goes on: its newest stop can be followed. */
  readonly running: boolean
  readonly following: boolean
  readonly go: (at: number) => void
  readonly follow: () => void
}

export function Timeline({ at, count, words, running, following, go, follow }: TimelineProps) {
  const [playing, setPlaying] = useState(false)
  const last = count - 1
  const move = (to: number) => {
    setPlaying(false)
    go(Math.min(last, Math.max(0, to)))
  }
  const play = () => {
    if (!playing && at === last) go(0)
    setPlaying(!playing)
  }
  useEffect(() => {
    if (!playing) return
    if (at >= last) return setPlaying(false)
    const timer = setTimeout(() => go(at + 1), BEAT)
    return () => clearTimeout(timer)
  }, [playing, at, last])
  // Before it is painted: a key that follows at once is to go on from here, and not from where the last one did.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return
      const target = event.target as HTMLElement
      // The slider and the tabs have these keys themselves, and a button is pressed by the space bar.
      if (target.matches?.('input, [role=tab]')) return
      const moves: Readonly<Record<string, () => void>> = {
        ArrowLeft: () => move(at - 1),
        ArrowRight: () => move(at + 1),
        Home: () => move(0),
        End: () => move(last),
        ...(target.matches?.('button, a, summary') ? {} : { ' ': play }),
      }
      const act = moves[event.key]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  return (
    <nav class="timeline" aria-label="Stepping through the session">
      <button type="button" onClick={() => move(0)} disabled={at === 0} aria-label="First">
        <Icon path="M3 3v10M13 3L6 8l7 5z" />
      </button>
      <button type="button" onClick={() => move(at - 1)} disabled={at === 0} aria-label="Back">
        <Icon path="M12 3L5 8l7 5z" />
      </button>
      <button type="button" onClick={play} aria-pressed={playing}>
        {playing ? 'pause' : 'play'}
      </button>
      <button type="button" onClick={() => move(at + 1)} disabled={at >= last} aria-label="Forward">
        <Icon path="M4 3l7 5-7 5z" />
      </button>
      <button type="button" onClick={() => move(last)} disabled={at >= last} aria-label="Last">
        <Icon path="M13 3v10M3 3l7 5-7 5z" />
      </button>
      <input
        type="range"
        min={0}
        max={Math.max(0, last)}
        value={at}
        aria-label="Place in the session"
        aria-valuetext={words}
        onInput={(event) => move(Number(event.currentTarget.value))}
      />
      <output>{words}</output>
      {running && (
        <button type="button" aria-pressed={following} onClick={follow}>
          follow
        </button>
      )}
    </nav>
  )
}

/** Drawn, since not every font has these. */
function Icon({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  )
}
