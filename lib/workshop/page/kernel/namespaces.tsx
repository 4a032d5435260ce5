/**
 * Who is in which namespace: a row for each box, a column for each kind. What a box has of its own bears a letter; what two boxes share bears the
 * same letter and is one piece; what is the host's is a thin line that goes through from the host.
 */
import type { Box } from '../boxes.js'
import { KIND_WORDS, KINDS, type Kind } from '../kinds.js'
import { toneOf } from '../labels.js'
import { useMarker } from '../marks.jsx'
import type { Scene } from '../scene.js'
import { counted, cut, Text } from '../text.jsx'

export function Namespaces({ scene }: { scene: Scene }) {
  const { boxes, picture } = scene
  const differing = KINDS.filter((kind) => boxes.some((box) => box.namespaces[kind] !== picture.host.namespaces[kind]))
  const [kinds, common] = [differing.length > 0 ? differing : KINDS, KINDS.filter((kind) => !differing.includes(kind))]
  return (
    <>
      <table class="namespaces">
        <caption class="unseen">
          For each box its namespaces by kind, with their inode numbers. Equal numbers are one namespace, which is shared.
        </caption>
        <thead>
          <tr>
            <td class="corner" />
            {kinds.map((kind) => (
              <th key={kind} scope="col">
                {kind} <small class="kind-words">{KIND_WORDS[kind]}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {boxes.map((box, at) => (
            <Row key={box.key} scene={scene} box={box} above={boxes[at - 1]} below={boxes[at + 1]} kinds={kinds} />
          ))}
        </tbody>
      </table>
      {differing.length > 0 && common.length > 0 && (
        <p class="note">
          All share the host’s {common.map((kind) => `${kind} (${picture.host.namespaces[kind] ?? 'not there'})`).join(', ')}.
        </p>
      )}
    </>
  )
}

interface RowProps {
  readonly scene: Scene
  readonly box: Box
  readonly above: Box | undefined
  readonly below: Box | undefined
  readonly kinds: readonly Kind[]
}

function Row({ scene, box, above, below, kinds }: RowProps) {
  return (
    <tr class={box.host ? 'host' : undefined}>
      <th scope="row" style={{ '--depth': box.depth }}>
        <BoxName box={box} />
      </th>
      {kinds.map((kind) => (
        <td key={kind}>
          <Cell scene={scene} box={box} kind={kind} above={above} below={below} />
        </td>
      ))}
    </tr>
  )
}

/** Its letter, its name, and how many processes are in it. */
export function BoxName({ box }: { box: Box }) {
  const mark = useMarker()
  const { processes } = box
  const one = processes[0]
  return (
    <span
      class="box-name"
      {...mark(...processes.map(({ pid }) => `processes/${pid}`), ...processes.map(({ pid }) => `processes/${pid}/name`))}
    >
      <Letter label={box.label} />
      <span>
        <strong>
          <Text of={box.hostname && !box.host ? box.hostname : box.name} most={24} />
        </strong>
        <small>
          {box.host || !one ? (
            <Text of={box.hostname ?? ''} most={28} />
          ) : (
            <>
              <Text of={box.name} most={16} /> {one.pid}
              {one.pids.length > 1 && `, inside ${one.pids.at(-1)}`}
              {processes.length > 1 && `, and ${counted(processes.length - 1, 'more', 'more')}`}
            </>
          )}
        </small>
      </span>
    </span>
  )
}

export function Letter({ label }: { label: string }) {
  return label === 'host' ? (
    <span class="letter host" aria-hidden="true">
      ⌂
    </span>
  ) : (
    <span class={`letter tone-${toneOf(label)}`}>{label}</span>
  )
}

function Cell({ scene, box, kind, above, below }: Omit<RowProps, 'kinds'> & { kind: Kind }) {
  const mark = useMarker()
  const inode = box.namespaces[kind]
  if (inode === undefined) return <span class="unknown">not readable</span>
  const shared = { above: above?.namespaces[kind] === inode, below: below?.namespaces[kind] === inode }
  const joined = `${shared.above ? ' joined-above' : ''}${shared.below ? ' joined-below' : ''}`
  const letter = scene.labels.of(kind, inode)
  if (letter === undefined) {
    return box.host ? (
      <span class={`chip host${joined}`}>
        <span class="inode">{inode}</span>
      </span>
    ) : (
      <span class="through" title={`the host’s, ${inode}`}>
        <span class="unseen">the host’s, {inode}</span>
      </span>
    )
  }
  const pids = box.processes.map(({ pid }) => `processes/${pid}/${kind}`)
  const key = `namespaces/${kind}:${inode}`
  return (
    <span class={`chip tone-${toneOf(letter)}${joined}`} {...mark(key, `${key}/hostname`, `${key}/uidMap`, ...pids)}>
      <b>{letter}</b> <span class="inode">{inode}</span> <Detail scene={scene} kind={kind} inode={inode} />
    </span>
  )
}

/** What is different in there: the host name, who is root. */
function Detail({ scene, kind, inode }: { scene: Scene; kind: Kind; inode: number }) {
  const view = scene.picture.tables.namespaces[`${kind}:${inode}`]
  if (kind === 'uts' && view?.hostname !== undefined) return <small>“{cut(view.hostname, 20)}”</small>
  if (kind === 'pid' && view) return <small>{counted(view.members, 'process', 'processes')}</small>
  if (kind !== 'user' || !view) return null
  const [inside, outside, count] = view.uidMap?.[0]?.trim().split(/\s+/) ?? []
  if (inside === undefined) return <small>nobody mapped</small>
  return (
    <small title={view.uidMap?.join('\n')}>
      uid {inside} is {outside} outside{Number(count) > 1 ? ', and on' : ''}
    </small>
  )
}
