/** The kernel now: the host, who is divided off in it, and by what. */
import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { History } from '../history.js'
import { FEW, type Scene, sceneOf } from '../scene.js'
import type { State } from '../store.js'
import { bytes } from '../text.jsx'
import { CapabilityGrid } from './capability-grid.jsx'
import { ChangeLog } from './change-log.jsx'
import { Layers } from './layers.jsx'
import { Limits } from './limits.jsx'
import { Namespaces } from './namespaces.jsx'
import { Network } from './network.jsx'
import { Processes } from './processes.jsx'

export const PICTURES = ['namespaces', 'processes', 'limits', 'network', 'layers', 'capabilities'] as const
export type PictureName = (typeof PICTURES)[number]

const WORDS: Readonly<Record<PictureName, readonly [title: string, words: string]>> = {
  namespaces: ['Namespaces', 'What each box has of its own, and what it shares. A line that goes through is the host’s.'],
  processes: ['Processes', 'One process has a pid in each pid namespace around it: the host’s first, its own last.'],
  limits: ['Limits', 'cgroups: what is used, of how much, and who was held back.'],
  network: ['Network', 'Rooms, switches and cables: network namespaces, bridges and veth pairs.'],
  layers: ['Layers', 'Sheets of tracing paper: only the top one is written on.'],
  capabilities: ['Capabilities', 'Root, in pieces: the five sets of two processes.'],
}

export function KernelView({ state }: { state: State }) {
  const { picture, labels, history } = state
  const [only, setOnly] = useState<PictureName>()
  const [filter, setFilter] = useState('')
  const [most, setMost] = useState(FEW)
  const scene = useMemo(() => picture && labels && sceneOf(picture, labels, filter, most), [picture, labels, filter, most])
  if (!scene) return <p class="empty large">Looking at the kernel…</p>
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
      <div class={only ? 'pictures one' : 'pictures'}>
        {PICTURES.filter((name) => only === undefined || only === name).map((name) => (
          <Panel key={name} name={name}>
            <Drawing name={name} scene={scene} history={history} />
          </Panel>
        ))}
        {only === undefined && <ChangeLog log={state.log} />}
      </div>
      {only !== undefined && <ChangeLog log={state.log} />}
    </div>
  )
}

export function Panel({ name, children }: { name: PictureName; children: ComponentChildren }) {
  const [title, words] = WORDS[name]
  return (
    <section class={`panel ${name}`} aria-labelledby={`title-${name}`}>
      <h2 id={`title-${name}`}>
        {title} <small>{words}</small>
      </h2>
      {children}
    </section>
  )
}

export function Drawing({ name, scene, history }: { name: PictureName; scene: Scene; history?: History | undefined }) {
  switch (name) {
    case 'namespaces':
      return <Namespaces scene={scene} />
    case 'processes':
      return <Processes scene={scene} />
    case 'limits':
      return <Limits scene={scene} history={history} />
    case 'network':
      return <Network scene={scene} />
    case 'layers':
      return <Layers scene={scene} />
    case 'capabilities':
      return <CapabilityGrid scene={scene} />
  }
}

function Missing({ scene: { picture } }: { scene: Scene }) {
  const { missing, reader, memory } = picture.host
  return (
    <p class="note">
      Memory of the machine: {bytes(memory.total - memory.available)} of {bytes(memory.total)} in use.
      {reader !== 0 && ` Read as uid ${reader}: what belongs to others is missing.`}
      {missing.map((sentence) => ` ${sentence}`)}
    </p>
  )
}
