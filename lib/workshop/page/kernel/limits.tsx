/** cgroups as meters: what is used, of how much, with the last minute, and what the kernel did about those who wanted more. */
import type { CgroupView } from '../../../picture/types.js'
import { processors } from '../changes.js'
import type { History, Sample } from '../history.js'
import { useMarker } from '../marks.jsx'
import type { Scene } from '../scene.js'
import { bytes, counted, endOf, Text } from '../text.jsx'
import { Letter } from './namespaces.jsx'

interface LimitsProps {
  readonly scene: Scene
  readonly history: History | undefined
  readonly brief: boolean
}

export function Limits({ scene, history, brief }: LimitsProps) {
  const most = brief ? 4 : 60
  const cgroups = relevant(scene)
  if (cgroups.length === 0) return <p class="empty">No process that is drawn is in a cgroup of its own.</p>
  return (
    <>
      <ul class="cgroups">
        {cgroups.slice(0, most).map((one) => (
          <Cgroup key={one.path} one={one} label={labelOf(scene, one)} samples={history?.get(one.path) ?? []} host={scene.picture.host} />
        ))}
      </ul>
      {cgroups.length > most && <p class="note">And {counted(cgroups.length - most, 'more cgroup')}.</p>}
    </>
  )
}

/** Where somebody is who is drawn, and what limits anybody; not the top, which limits nobody. */
function relevant({ picture, pids, boxes }: Scene): CgroupView[] {
  const inBoxes = new Set(boxes.filter(({ host }) => !host).flatMap(({ processes }) => processes.map(({ cgroup }) => cgroup)))
  // In the order of the boxes that are in them, and then the others.
  const order = [...inBoxes]
  const place = ({ path }: CgroupView) => (inBoxes.has(path) ? order.indexOf(path) : order.length)
  return Object.values(picture.tables.cgroups)
    .filter((one) => one.path !== '/')
    .filter((one) => inBoxes.has(one.path) || (limited(one) && (one.drawn.length === 0 || one.drawn.some((pid) => pids.has(pid)))))
    .sort((one, other) => place(one) - place(other) || one.path.localeCompare(other.path))
}

const limited = ({ memory, cpu, pids }: CgroupView): boolean => (memory?.max ?? cpu?.max ?? pids?.max ?? null) !== null

/** Of the box that is in it. */
const labelOf = ({ boxes }: Scene, { path }: CgroupView): string | undefined =>
  boxes.find((box) => !box.host && box.processes.some(({ cgroup }) => cgroup === path))?.label

interface CgroupProps {
  readonly one: CgroupView
  readonly label: string | undefined
  readonly samples: readonly Sample[]
  readonly host: Scene['picture']['host']
}

function Cgroup({ one, label, samples, host }: CgroupProps) {
  const mark = useMarker()
  const key = `cgroups/${one.path}`
  const { memory, cpu, pids } = one
  const used = samples.at(-1)?.cpu
  return (
    <li class="cgroup" {...mark(key)}>
      <h3>
        {label && <Letter label={label} />}
        <Text of={endOf(one.path, 44)} most={60} /> {one.frozen && <em class="badge">frozen</em>}
        <small>{counted(one.processes, 'process', 'processes')}</small>
      </h3>
      {memory && (
        <Meter
          name="memory"
          mark={mark(`${key}/memory`)}
          share={memory.current / (memory.max ?? host.memory.total)}
          limited={memory.max !== null}
          words={`${bytes(memory.current)} of ${memory.max === null ? 'no limit' : bytes(memory.max)}`}
          line={samples.map((sample) => sample.memory)}
          trouble={memory.oomKills > 0 ? `out of memory: ${memory.oomKills} killed` : undefined}
        />
      )}
      {cpu && (
        <Meter
          name="CPU"
          mark={mark(`${key}/cpu`)}
          share={(used ?? 0) / (cpu.max ?? host.processors)}
          limited={cpu.max !== null}
          words={`${used === undefined ? '' : used.toFixed(2)} of ${cpu.max === null ? 'no limit' : processors(cpu.max)}`}
          line={samples.map((sample) => sample.cpu)}
          trouble={cpu.throttled > 0 ? `throttled in ${cpu.throttled} of ${counted(cpu.periods, 'period')}` : undefined}
        />
      )}
      {pids && (
        <Meter
          name="pids"
          mark={mark(`${key}/pids`)}
          share={pids.max === null ? 0 : pids.current / pids.max}
          limited={pids.max !== null}
          words={`${pids.current} of ${pids.max === null ? 'no limit' : pids.max}`}
          line={samples.map((sample) => sample.pids)}
          trouble={pids.refused > 0 ? `${counted(pids.refused, 'fork')} refused` : undefined}
        />
      )}
    </li>
  )
}

interface MeterProps {
  readonly name: string
  readonly mark: object
  /** 0 to 1. */
  readonly share: number
  readonly limited: boolean
  readonly words: string
  readonly line: readonly number[]
  readonly trouble: string | undefined
}

function Meter({ name, mark, share, limited, words, line, trouble }: MeterProps) {
  const part = Math.min(1, Math.max(0, share))
  return (
    <div class={`meter${trouble ? ' troubled' : ''}`} {...mark}>
      <span class="meter-name">{name}</span>
      <span class={`bar${limited ? '' : ' unlimited'}`} aria-hidden="true">
        <span style={{ width: `${(part * 100).toFixed(1)}%` }} />
      </span>
      <span class="meter-words">{words}</span>
      <Sparkline values={line} />
      {trouble && <em class="badge">⚠ {trouble}</em>}
    </div>
  )
}

const [WIDE, HIGH] = [90, 22]

function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 2) return <span class="sparkline" />
  const most = Math.max(...values) || 1
  const points = values.map((value, at) => {
    const x = WIDE - ((values.length - 1 - at) * WIDE) / 59
    return `${x.toFixed(1)},${(HIGH - 2 - (value / most) * (HIGH - 4)).toFixed(1)}`
  })
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDE} ${HIGH}`} width={WIDE} height={HIGH} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  )
}
