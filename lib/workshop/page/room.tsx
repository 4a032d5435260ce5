/** The learners of a room: who needs somebody first. */
import type { LearnerView, RoomView } from '../protocol.js'
import { since, Text } from './text.jsx'
import { useNow } from './use.js'

/** Milliseconds of silence after which somebody is said to be away. */
const AWAY = 90_000

export function Room({ room }: { room: RoomView | undefined }) {
  const now = useNow(5000)
  if (!room) return <p class="empty large">Looking who is there…</p>
  const learners = [...room.learners].sort((one, other) => urgency(other, now) - urgency(one, now) || one.name.localeCompare(other.name))
  const stuck = learners.filter((one) => isStuck(one)).length
  return (
    <div class="room-view">
      <Join room={room} />
      {learners.length === 0 ? (
        room.join && <p class="empty large">Nobody has joined yet.</p>
      ) : (
        <section class="panel" aria-labelledby="title-learners">
          <h2 id="title-learners">
            Learners{' '}
            <small>
              {learners.length} joined, {stuck} stuck
            </small>
          </h2>
          <table class="learners">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Lesson</th>
                <th scope="col">Scene</th>
                <th scope="col">Exercises</th>
                <th scope="col">Heard</th>
              </tr>
            </thead>
            <tbody>
              {learners.map((one) => (
                <Learner key={one.key} one={one} now={now} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  )
}

function Join({ room: { join, open } }: { room: RoomView }) {
  if (!join) {
    return (
      <p class="empty large">
        {open ? (
          'Nobody can join: this machine was in no network when the page was started. Connect it, end the page with Ctrl-C, and start it anew.'
        ) : (
          <>
            Nobody can join: this page is for this machine only. Started with <code>npm run workshop -- --listen 0.0.0.0</code>, it says
            here what learners type.
          </>
        )}
      </p>
    )
  }
  return (
    <section class="join" aria-labelledby="title-join">
      <h2 id="title-join">To join, type in your checkout</h2>
      <p class="command">
        <code>
          npm run lesson -- --join <Text of={join.url} />
        </code>
      </p>
      <p>
        and, when asked, the word <strong class="word">{join.word}</strong>
      </p>
    </section>
  )
}

function Learner({ one, now }: { one: LearnerView; now: number }) {
  const { name, lesson, scene, exercises, left, heard } = one
  const away = now - heard > AWAY
  const stuck = exercises.filter(({ state }) => state === 'stuck')
  const passed = exercises.filter(({ state }) => state === 'passed')
  return (
    <tr class={left || away ? 'away' : isStuck(one) ? 'stuck' : undefined}>
      <th scope="row">
        <Text of={name} most={40} />
      </th>
      <td>{lesson ? <Text of={`${lesson.number} ${lesson.title}`} most={40} /> : '–'}</td>
      <td>
        {scene ? (
          <>
            <progress max={scene.of} value={scene.index + 1} aria-label={`scene ${scene.index + 1} of ${scene.of}`} /> {scene.index + 1} of{' '}
            {scene.of}{' '}
            <small>
              <Text of={scene.heading} most={36} />
            </small>
          </>
        ) : (
          '–'
        )}
      </td>
      <td>
        {exercises.length > 0 && (
          <span>
            ✓ {passed.length} of {exercises.length} passed
          </span>
        )}
        {stuck.map(({ id, title, saw, tries }) => (
          <p key={id} class="stuck-at">
            <b>⚠ stuck at</b> <Text of={title} most={60} /> <small>({tries} tries)</small>
            {saw !== undefined && (
              <small class="saw">
                <Text of={saw} most={200} />
              </small>
            )}
          </p>
        ))}
      </td>
      <td>{left ? 'has left' : away ? `away for ${since(heard, now)}` : `${since(heard, now)} ago`}</td>
    </tr>
  )
}

const isStuck = ({ exercises, left }: LearnerView): boolean => !left && exercises.some(({ state }) => state === 'stuck')

/** Those who are stuck first, those who have left last. */
function urgency(one: LearnerView, now: number): number {
  if (one.left) return 0
  return isStuck(one) ? 3 : now - one.heard > AWAY ? 1 : 2
}
