/** The kernel now: the host, who is divided off in it, and by what. */
import { useMemo, useState } from 'preact/hooks'
import { FEW, type Scene, sceneOf } from '../scene.js'
import type { State } from '../store.js'
import { cut } from '../text.jsx'
import { ChangeLog } from './change-log.jsx'
import { Drawing, Panel, PICTURES, type PictureName, WORDS } from './pictures.jsx'

export function KernelView({ state }: { state: State }) {
  const { picture, labels, history } = state
  const [only, setOnly] = useState<PictureName>()
  const [filter, setFilter] = useState('')
  const [most, setMost] = useState(FEW)
  const scene = useMemo(() => picture && labels && sceneOf(picture, labels, { filter, most }), [picture, labels, filter, most])
  if (!scene) return <p class="empty large">Looking at the kernel…</p>
  const panel = (name: PictureName) => (
    <Panel name={name}>
      <Drawing name={name} scene={scene} history={history} brief={only === undefined} />
    </Panel>
  )
  const alone = scene.boxes.length <= 1 && filter === ''
  return (
    <div class="kernel">
      <div class="tools">
        <fieldset class="choices">
          <legend class="unseen">What is drawn</legend>
          <button type="button" aria-pressed={only === undefined} onClick={() => setOnly(undefined)}>
            All
          </button>
          {PICTURES.map((name) => (
            <button key={name} type="button" aria-pressed={only === name} onClick={() => setOnly(name)}>
              {WORDS[name][0]}
            </button>
          ))}
        </fieldset>
        <label class="filter">
          <span class="unseen">Show only boxes with</span>
          <input type="search" placeholder="name, pid, inode…" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        </label>
        {(scene.hidden > 0 || most > FEW) && (
          <button type="button" class="quiet" onClick={() => setMost(most > FEW ? FEW : 1000)}>
            {scene.hidden > 0 ? `${scene.hidden} more are not drawn: draw all` : 'draw fewer'}
          </button>
        )}
      </div>
      {alone && (
        <p class="empty large">
          Nothing runs in namespaces of its own yet. Type <code>npm run lesson 1</code>, or <code>drydock run …</code>, in a terminal of
          this machine, and watch.
        </p>
      )}
      <Missing scene={scene} />
      {only === undefined ? (
        <div class="pictures">
          {panel('namespaces')}
          <div class="column">
            {panel('processes')}
            {panel('network')}
          </div>
          <div class="column">
            <ChangeLog log={state.log} />
            {panel('limits')}
            {panel('layers')}
          </div>
          {panel('capabilities')}
        </div>
      ) : (
        <div class="pictures one">
          {panel(only)}
          <ChangeLog log={state.log} />
        </div>
      )}
    </div>
  )
}

function Missing({ scene: { picture } }: { scene: Scene }) {
  const { missing, reader } = picture.host
  if (reader === 0 && missing.length === 0) return null
  return (
    <p class="note">
      {reader !== 0 && `Read as uid ${reader}: what belongs to others is missing.`}
      {missing.map((sentence) => ` ${cut(sentence, 300)}`)}
    </p>
  )
}
