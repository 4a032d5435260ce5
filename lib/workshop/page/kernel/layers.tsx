/** Overlay file systems as what they are like: sheets of tracing paper, of which only the top one is written on. */
import type { ChangeView, OverlayView } from '../../../picture/types.js'
import { useMarker } from '../marks.jsx'
import { boxOfPid, type Scene } from '../scene.js'
import { bytes, counted, endOf, Text } from '../text.jsx'
import { Letter } from './namespaces.jsx'

/** Changes of an overlay that are told; more are counted. */
const ENTRIES = 14

const SIGNS: Readonly<Record<ChangeView['kind'], readonly [sign: string, words: string]>> = {
  new: ['+', 'new'],
  'copied up': ['↑', 'copied up'],
  whiteout: ['✕', 'whiteout'],
  opaque: ['▣', 'opaque'],
}

export function Layers({ scene, brief }: { scene: Scene; brief: boolean }) {
  const most = brief ? 3 : 40
  const { overlays } = scene.picture.tables
  // What several processes see is one mount; a mount namespace made of another has a copy of each.
  const shown = unique(Object.entries(overlays).filter(([, { drawn }]) => drawn.length === 0 || drawn.some((pid) => scene.pids.has(pid))))
  if (shown.length === 0) return <p class="empty">No overlay is mounted by anybody who is drawn. Lesson 4 makes one by hand.</p>
  return (
    <>
      <ul class="stacks">
        {shown.slice(0, most).map(([key, overlay]) => (
          <Stack key={key} scene={scene} name={key} overlay={overlay} />
        ))}
      </ul>
      {shown.length > most && <p class="note">And {counted(shown.length - most, 'more overlay')}.</p>}
    </>
  )
}

function unique(overlays: [string, OverlayView][]): [string, OverlayView][] {
  const seen = new Map<string, [string, OverlayView]>()
  for (const one of overlays) {
    const of = one[1].upper ?? one[1].lower.join(':')
    const before = seen.get(of)
    if (!before || one[1].drawn.length > before[1].drawn.length) seen.set(of, one)
  }
  // What has been written on comes first.
  const written = ([, { counts }]: [string, OverlayView]) => Number(Object.values(counts).some((count) => count > 0))
  return [...seen.values()].sort((one, other) => written(other) - written(one))
}

function Stack({ scene, name, overlay }: { scene: Scene; name: string; overlay: OverlayView }) {
  const mark = useMarker()
  const box = overlay.drawn.flatMap((pid) => boxOfPid(scene, pid) ?? []).find(({ host }) => !host)
  const changes = Object.entries(scene.picture.tables.changes).filter(([, { upper }]) => upper === overlay.upper)
  const entries = changes.filter(([, { type, kind }]) => type !== 'directory' || kind === 'opaque' || kind === 'new')
  const telling = entries.length > 0 ? entries : changes
  return (
    <li class="stack" {...mark(`overlays/${name}`)}>
      <h3>
        {box && <Letter label={box.label} />} <Text of={endOf(overlay.mountPoint, 40)} most={40} />
        <small>{counted(overlay.lower.length, 'layer')} below</small>
      </h3>
      <div class="sheets-and-words">
        <Sheets overlay={overlay} changes={telling} />
        <ul class="upper-changes" aria-label="Written on the upper sheet">
          {telling.slice(0, ENTRIES).map(([key, change]) => (
            <li key={key} class={change.kind.replace(' ', '-')} {...mark(`changes/${key}`)}>
              <b aria-hidden="true">{SIGNS[change.kind][0]}</b> <span class="kind">{SIGNS[change.kind][1]}</span>{' '}
              <Text of={endOf(change.path, 40)} most={40} class="mono" />
              {change.type === 'file' && change.kind !== 'whiteout' && <small>{bytes(change.size)}</small>}
            </li>
          ))}
          {telling.length > ENTRIES && <li class="note">and {telling.length - ENTRIES} more</li>}
          {overlay.more && <li class="note">there is more than was looked at</li>}
          {telling.length === 0 && (
            <li class="note">
              {overlay.unseen !== undefined ? (
                <Text of={overlay.unseen} />
              ) : overlay.upper ? (
                'nothing is written on it yet'
              ) : (
                'read-only: there is no upper sheet'
              )}
            </li>
          )}
        </ul>
      </div>
    </li>
  )
}

const [WIDTH, DEEP, SLANT, APART] = [250, 62, 56, 40]
/** Lower sheets that are drawn one by one. */
const LOWER = 4

function Sheets({ overlay, changes }: { overlay: OverlayView; changes: readonly [string, ChangeView][] }) {
  const mark = useMarker()
  const lower = overlay.lower.slice(0, LOWER)
  const top = overlay.upper === undefined ? 0 : APART
  const height = top + Math.max(0, lower.length - 1) * APART + DEEP + 14
  const sheet = (y: number) => `M${SLANT},${y} H${WIDTH} L${WIDTH - SLANT},${y + DEEP} H0 Z`
  return (
    <svg class="sheets" role="img" viewBox={`-3 -3 ${WIDTH + 6} ${height + 6}`}>
      <title>
        {overlay.upper === undefined ? 'Read-only: ' : 'The upper sheet, on which is written, over '}
        {counted(overlay.lower.length, 'lower layer')}
      </title>
      {lower
        .map((path, at) => (
          <g key={path} class="sheet lower">
            <path d={sheet(top + at * APART)} />
            <text x={12} y={top + at * APART + DEEP - 8}>
              {endOf(trimmed(path), 26)}
              {at === LOWER - 1 && overlay.lower.length > LOWER ? ` and ${overlay.lower.length - LOWER} more` : ''}
            </text>
          </g>
        ))
        .reverse()}
      {overlay.upper !== undefined && (
        <g class="sheet upper">
          <path d={sheet(0)} />
          {changes.slice(0, 10).map(([key, { kind }], at) => {
            const [column, row] = [at % 5, Math.floor(at / 5)]
            const [x, y] = [SLANT + 16 + column * 34 - row * 24, 20 + row * 24]
            return (
              <g key={key} class={`written ${kind.replace(' ', '-')}`} {...mark(`changes/${key}`)}>
                <text x={x} y={y} text-anchor="middle">
                  {SIGNS[kind][0]}
                </text>
              </g>
            )
          })}
          <text x={12} y={DEEP - 6} class="name">
            upper
          </text>
        </g>
      )}
    </svg>
  )
}

/** `…/3f2a9c1b` of `/var/lib/drydock/overlay/3f2a9c1b/diff`. */
const trimmed = (path: string): string => path.replace(/\/(diff|fs)$/, '')
