/** One session at one stop: what is read, what was called, what it changed. */
import { useMemo, useRef, useState } from 'preact/hooks'
import type { Moment, Replay } from '../../../trace/replay.js'
import { Text } from '../text.jsx'
import { Act } from './act.jsx'
import { BeforeAfter } from './before-after.jsx'
import { LabelBook } from './label-book.js'
import { Markdown } from './markdown.jsx'
import { Look, Output, Prediction, Try } from './other-moments.jsx'
import { actAfter, type Stop, stopsOf, textAt } from './stops.js'
import { Timeline } from './timeline.jsx'

interface ReplayedProps {
  readonly replay: Replay
  readonly version: number
  readonly running: boolean
}

export function Replayed({ replay, version, running }: ReplayedProps) {
  const [chosen, setChosen] = useState<number>()
  // A replay that has grown is the same object.
  const stops = useMemo(() => stopsOf(replay.moments), [replay, version])
  const book = useRef<LabelBook>(undefined)
  if (book.current?.replay !== replay) book.current = new LabelBook(replay)
  const last = stops.length - 1
  const at = Math.min(chosen ?? (running ? last : 0), last)
  const stop = stops[at]
  if (!stop) return <p class="empty large">Nothing has happened in this session yet.</p>
  const { moment } = stop
  const next = actAfter(stops, at)
  return (
    <div class="replayed">
      <Timeline
        at={at}
        count={stops.length}
        words={placeWords(replay, stops, at)}
        running={running}
        following={chosen === undefined}
        go={setChosen}
        follow={() => setChosen(undefined)}
      />
      <div class="lesson-and-picture">
        <div class="happening">
          <div aria-live="polite">
            <Happening moment={moment} />
            {stop.words.map((one) => (one.kind === 'printed' ? <Output key={one.index} printed={one.event} /> : null))}
          </div>
          {next && (moment.kind !== 'act' || moment.done) && (
            <p class="next">
              <span class="when ahead">About to run</span>{' '}
              <code>{next.ahead.steps[0] && <Text of={next.ahead.steps[0].shown} most={120} />}</code>
              {next.ahead.steps.length > 1 && <small>and {next.ahead.steps.length - 1} more</small>}
            </p>
          )}
        </div>
        <article class="lesson-text" aria-label="The text of the session">
          {textAt(stops, at).map((one) => (
            <Words key={one.index} moment={one} />
          ))}
        </article>
        <div class="the-picture">
          <BeforeAfter
            before={replay.before(moment.index)}
            after={moment.kind === 'act' && !moment.done ? undefined : replay.after(moment.index)}
            labels={book.current.at(moment.index)}
            session={replay.session?.pid}
            focus={moment.kind === 'act' ? [...moment.ahead.focus, ...(moment.done?.focus ?? [])] : []}
            usual="namespaces"
          />
        </div>
      </div>
    </div>
  )
}

function Words({ moment }: { moment: Moment }) {
  if (moment.kind === 'scene') {
    return (
      <>
        <h2>
          <Text of={moment.event.heading} />
        </h2>
        <Markdown text={moment.event.markdown} />
      </>
    )
  }
  return moment.kind === 'said' ? <Markdown text={moment.event.markdown} /> : null
}

function Happening({ moment }: { moment: Moment }) {
  switch (moment.kind) {
    case 'act':
      return <Act ahead={moment.ahead} done={moment.done} />
    case 'looked':
      return <Look looked={moment.event} />
    case 'predicted':
      return <Prediction predicted={moment.event} />
    case 'tried':
      return <Try tried={moment.event} />
    case 'end':
      return <p class="panel">The session has ended{moment.event.status === 0 ? '.' : `, with status ${moment.event.status}.`}</p>
    case 'stopped':
      return <p class="panel">The recording stops here; the session went on without it.</p>
    default:
      return null
  }
}

/** `12 of 140, scene 2 of 9`. */
function placeWords(replay: Replay, stops: readonly Stop[], at: number): string {
  const scene = stops[at]?.moment.scene
  const scenes = replay.session?.lesson?.scenes.length
  const where = scene === undefined ? '' : `, scene ${scene + 1}${scenes ? ` of ${scenes}` : ''}`
  return `${at + 1} of ${stops.length}${where}`
}
