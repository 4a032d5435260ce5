/** The picture that a step has changed, before and after, with what is different marked. */
import { useMemo, useState } from 'preact/hooks'
import { deltaBetween } from '../../../picture/delta.js'
import type { Picture } from '../../../picture/types.js'
import { changesOf } from '../changes.js'
import { planOf } from '../kernel/cables.js'
import { Drawing, PICTURES, type PictureName, WORDS } from '../kernel/pictures.jsx'
import { Labels } from '../labels.js'
import { MarksContext, NO_MARKS, stillMarks } from '../marks.jsx'
import { type Scene, sceneOf } from '../scene.js'
import { scopedTo } from './scope.js'
import { pictureOfChange, telling } from './telling.js'

interface Props {
  readonly before: Picture | undefined
  readonly after: Picture | undefined
  readonly labels: Labels | undefined
  readonly session: number | undefined
  readonly focus: readonly number[]
  /** What was drawn last, for a moment that changes nothing. */
  readonly usual: PictureName
}

export function BeforeAfter({ before, after, labels, session, focus, usual }: Props) {
  const [chosen, setChosen] = useState<PictureName>()
  const drawn = useMemo(() => prepared(before, after, labels, session, focus), [before, after, labels, session, focus.join()])
  if (!drawn) return <p class="empty">No picture was taken here.</p>
  const { changes, scenes } = drawn
  const changed = PICTURES.filter((name) => changes.some((change) => pictureOfChange(change) === name))
  const name = chosen ?? telling(changes) ?? usual
  return (
    <section class="panel before-after" aria-labelledby="title-picture">
      <h2 id="title-picture">
        {WORDS[name][0]} <small>{changes.length === 0 ? 'nothing in the picture has changed' : ''}</small>
      </h2>
      <fieldset class="choices">
        <legend class="unseen">Which picture</legend>
        <button type="button" aria-pressed={chosen === undefined} onClick={() => setChosen(undefined)}>
          What changes
        </button>
        {PICTURES.map((one) => (
          <button key={one} type="button" aria-pressed={one === chosen} onClick={() => setChosen(one)}>
            {WORDS[one][0]}
            {changed.includes(one) && <span title="it has changed"> ●</span>}
          </button>
        ))}
      </fieldset>
      <div class={scenes.length > 1 && !isWide(name, scenes.at(-1)?.scene) ? 'both' : 'both stacked'}>
        {scenes.map(({ when, scene, marked }) => (
          <figure key={when}>
            <figcaption>{when}</figcaption>
            <MarksContext.Provider value={marked ? stillMarks(changes) : NO_MARKS}>
              <Drawing name={name} scene={scene} brief />
            </MarksContext.Provider>
          </figure>
        ))}
      </div>
    </section>
  )
}

/** In units of the drawing (cables.ts): what there may be room for, and what half a picture is. */
const WIDEST = 900
const HALF = 470

/** Two of them beside each other would be too small to read. */
const isWide = (name: PictureName, scene: Scene | undefined): boolean =>
  name === 'namespaces' || (name === 'network' && scene !== undefined && planOf(scene, WIDEST).width > HALF)

function prepared(
  before: Picture | undefined,
  after: Picture | undefined,
  labels: Labels | undefined,
  session: number | undefined,
  focus: readonly number[],
) {
  const last = after ?? before
  if (!last) return undefined
  const [then, now] = [before ? scopedTo(before, session, focus) : undefined, scopedTo(last, session, focus)]
  const same = then === undefined || before === after || after === undefined
  const changes = same ? [] : changesOf(then, deltaBetween(then, now))
  const both = labels ?? Labels.of(now)
  const scene = (picture: Picture) => sceneOf(picture, both, { session: true })
  const scenes = same
    ? [{ when: 'as it is', scene: scene(now), marked: false }]
    : [
        { when: 'before', scene: scene(then), marked: true },
        { when: 'after', scene: scene(now), marked: true },
      ]
  return { changes, scenes }
}
