/** The network as a drawing: rooms, switches, cables, addresses, and what the packet filter translates. */
import { useMemo } from 'preact/hooks'
import { toneOf } from '../labels.js'
import { useMarker } from '../marks.jsx'
import type { Scene } from '../scene.js'
import { counted, cut, Text } from '../text.jsx'
import { useWidth } from '../use.js'
import { type Cable, type Plan, planOf, type RoomBox } from './cables.js'

/** Letters of the drawing are as high, and take about as much room each. */
const LETTER = 15
const WIDE = 8
/** What is too wide is drawn so much smaller before it is scrolled. */
const SMALLEST = 0.65

export function Network({ scene, brief }: { scene: Scene; brief: boolean }) {
  const [ref, pixels] = useWidth<HTMLDivElement>()
  const widest = Math.max(360, Math.floor((pixels / rootLetter()) * LETTER) - 8)
  const plan = useMemo(() => planOf(scene, widest, brief), [scene, widest, brief])
  const [width, height] = [Math.max(plan.width, 1) + 8, plan.height + 12]
  return (
    <div class="network" ref={ref}>
      <svg
        role="img"
        preserveAspectRatio="xMinYMin meet"
        aria-labelledby="network-title"
        viewBox={`-4 -6 ${width} ${height}`}
        style={{ width: `${width / LETTER}rem`, minWidth: `${(SMALLEST * width) / LETTER}rem` }}
      >
        <title id="network-title">
          {counted(plan.rooms.length, 'network namespace')} with {counted(plan.cables.length, 'cable')} between them; the list below says
          the same
        </title>
        {plan.cables.map((cable) => (
          <Wire key={cable.key} cable={cable} />
        ))}
        {plan.rooms.map((room) => (
          <RoomDrawing key={room.inode} room={room} />
        ))}
      </svg>
      <InWords plan={plan} />
    </div>
  )
}

const rootLetter = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16

function Wire({ cable: { from, to, name, up, marks } }: { cable: Cable }) {
  const mark = useMarker()
  const middle = (to[1] - from[1]) / 2
  return (
    <g class={up ? 'cable' : 'cable down'} {...mark(...marks)}>
      <path d={`M${from[0]},${from[1]} C${from[0]},${from[1] + middle} ${to[0]},${to[1] - middle} ${to[0]},${to[1]}`} />
      <rect class="plug" x={from[0] - 7} y={from[1] - 4} width="14" height="11" rx="2" />
      <rect class="plug" x={to[0] - 7} y={to[1] - 7} width="14" height="11" rx="2" />
      <text x={from[0] + 12} y={from[1] + 24} class="mono faint">
        {cut(name, 16)}
        {up ? '' : ' (down)'}
      </text>
    </g>
  )
}

function RoomDrawing({ room }: { room: RoomBox }) {
  const mark = useMarker()
  const { x, y, width, height, label, title, lines, bridges, inode } = room
  const host = label === 'host'
  const fits = Math.floor((width - 24) / WIDE)
  return (
    <g class={`room ${host ? 'host' : `tone-${toneOf(label)}`}`} {...mark(`namespaces/net:${inode}`)}>
      <rect class="body" x={x} y={y} width={width} height={height} rx="10" />
      <circle class="letter" cx={x + 20} cy={y + 21} r="12" />
      <text class="letter" x={x + 20} y={y + 26} text-anchor="middle">
        {host ? '⌂' : label}
      </text>
      <text class="title" x={x + 40} y={y + 26}>
        {cut(title, Math.max(8, fits - 4))}
      </text>
      {lines.map((line, at) => (
        <g key={at} {...mark(...line.marks)}>
          <text x={x + (line.style === 'mono' ? 24 : 14)} y={y + 52 + at * 20} class={line.style}>
            {cut(line.text, fits)}
          </text>
        </g>
      ))}
      {bridges.map((bar) => (
        <g key={bar.key} class={bar.link.up ? 'bridge' : 'bridge down'} {...mark(`links/${bar.key}`, `links/${bar.key}/addresses`)}>
          <rect x={x + 8} y={bar.y} width={width - 16} height="30" rx="5" />
          <text x={x + 18} y={bar.y + 20}>
            {cut(
              `${bar.link.name}${bar.link.up ? '' : ' (down)'}  ${bar.link.addresses.filter((one) => !one.startsWith('fe80:')).join('  ')}`,
              fits,
            )}
          </text>
          {bar.more > 0 && (
            <text x={x + width - 18} y={bar.y + 20} text-anchor="end">
              {counted(bar.more, 'more port')}
            </text>
          )}
        </g>
      ))}
    </g>
  )
}

/** The drawing for those who do not see it. */
function InWords({ plan }: { plan: Plan }) {
  return (
    <ul class="unseen" aria-label="The network in words">
      {plan.rooms.map((room) => (
        <li key={room.inode}>
          <Text of={`${room.label} (${room.title}), net namespace ${room.inode}: `} />
          <Text
            of={[
              ...room.bridges.map(({ link }) => `bridge ${link.name} ${link.addresses.join(' ')}`),
              ...room.lines.map(({ text }) => text),
            ].join('; ')}
            most={1000}
          />
        </li>
      ))}
    </ul>
  )
}
