/** The pictures that there are of a kernel's state, by name. */
import type { ComponentChildren } from 'preact'
import type { History } from '../history.js'
import type { Scene } from '../scene.js'
import { CapabilityGrid } from './capability-grid.jsx'
import { Layers } from './layers.jsx'
import { Limits } from './limits.jsx'
import { Namespaces } from './namespaces.jsx'
import { Network } from './network.jsx'
import { Processes } from './processes.jsx'

export const PICTURES = ['namespaces', 'processes', 'limits', 'network', 'layers', 'capabilities'] as const
export type PictureName = (typeof PICTURES)[number]

export const WORDS: Readonly<Record<PictureName, readonly [title: string, words: string]>> = {
  namespaces: ['Namespaces', 'What each box has of its own, and what it shares. A line that goes through is the host’s.'],
  processes: ['Processes', 'One process has a pid in each pid namespace around it: the host’s first, its own last.'],
  limits: ['Limits', 'cgroups: what is used, of how much, and who was held back.'],
  network: ['Network', 'Rooms, switches and cables: network namespaces, bridges and veth pairs.'],
  layers: ['Layers', 'Sheets of tracing paper: only the top one is written on.'],
  capabilities: ['Capabilities', 'Root, in pieces: the five sets of two processes.'],
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

/** `brief`: beside others, where what does not fit is counted. */
export function Drawing({
  name,
  scene,
  history,
  brief = false,
}: {
  name: PictureName
  scene: Scene
  history?: History | undefined
  brief?: boolean
}) {
  switch (name) {
    case 'namespaces':
      return <Namespaces scene={scene} />
    case 'processes':
      return <Processes scene={scene} />
    case 'limits':
      return <Limits scene={scene} history={history} brief={brief} />
    case 'network':
      return <Network scene={scene} brief={brief} />
    case 'layers':
      return <Layers scene={scene} brief={brief} />
    case 'capabilities':
      return <CapabilityGrid scene={scene} />
  }
}
