/** The process tree: each process with the pid that the host counts and the one that it has for itself. A frame is a pid namespace. */
import type { ProcessView } from '../../../picture/types.js'
import { toneOf } from '../labels.js'
import { useMarker } from '../marks.jsx'
import { boxOfPid, type Scene } from '../scene.js'
import { Text } from '../text.jsx'
import { Letter } from './namespaces.jsx'

export function Processes({ scene }: { scene: Scene }) {
  const { processes } = scene.picture.tables
  const shown = [...scene.pids].flatMap((pid) => processes[pid] ?? []).sort((one, other) => one.pid - other.pid)
  const roots = shown.filter(({ parent }) => !scene.pids.has(parent))
  const inside = (parent: number) => shown.filter((one) => one.parent === parent && one.pid !== parent)
  return (
    <ul class="processes">
      {roots.map((one) => (
        <Branch key={one.pid} scene={scene} one={one} inside={inside} within={scene.picture.host.namespaces.pid} />
      ))}
    </ul>
  )
}

interface BranchProps {
  readonly scene: Scene
  readonly one: ProcessView
  readonly inside: (parent: number) => readonly ProcessView[]
  /** Inode of the pid namespace that is drawn around it already. */
  readonly within: number | undefined
}

function Branch({ scene, one, inside, within }: BranchProps) {
  const chain = chainFrom(one, inside)
  const last = chain.at(-1) as ProcessView
  const children = inside(last.pid)
  // Shims without a child are told in one line: an engine keeps some ready.
  const leaves = children.filter((child) => child.role === 'shim' && inside(child.pid).length === 0)
  const idle = leaves.length > 1 ? leaves : []
  const inode = one.namespaces.pid ?? within
  const node = (
    <>
      {chain.length > 1 ? (
        <span class="chain">
          {chain.map((each) => (
            <Node key={each.pid} scene={scene} one={each} short />
          ))}
        </span>
      ) : (
        <Node scene={scene} one={one} />
      )}
      {children.length > 0 && (
        <ul>
          {children
            .filter((child) => !idle.includes(child))
            .map((child) => (
              <Branch key={child.pid} scene={scene} one={child} inside={inside} within={inode} />
            ))}
          {idle.length > 0 && (
            <li class="chain">
              {idle.map((each) => (
                <Node key={each.pid} scene={scene} one={each} short />
              ))}
            </li>
          )}
        </ul>
      )}
    </>
  )
  if (inode === within || inode === undefined) return <li>{node}</li>
  const letter = scene.labels.of('pid', inode)
  return (
    <li class={`pid-namespace tone-${letter ? toneOf(letter) : 'host'}`}>
      <p class="frame-name">
        pid namespace {letter} <span class="inode">{inode}</span>
      </p>
      {node}
    </li>
  )
}

/** Ancestors that have one child each stand in one line. */
function chainFrom(one: ProcessView, inside: BranchProps['inside']): ProcessView[] {
  const chain = [one]
  for (let at = one; at.role === 'ancestor'; ) {
    const [only, ...more] = inside(at.pid)
    if (!only || more.length > 0 || only.role !== 'ancestor' || only.namespaces.pid !== at.namespaces.pid) break
    chain.push(only)
    at = only
  }
  return chain
}

const ROLES: Readonly<Record<ProcessView['role'], string>> = {
  shim: 'makes the calls',
  engine: 'the engine',
  container: '',
  focus: '',
  ancestor: '',
}

function Node({ scene, one, short = false }: { scene: Scene; one: ProcessView; short?: boolean }) {
  const mark = useMarker()
  const box = boxOfPid(scene, one.pid)
  const key = `processes/${one.pid}`
  return (
    <span class={`process ${one.role}`} {...mark(key, `${key}/name`, `${key}/uid`)}>
      <Pids scene={scene} one={one} />
      <strong>
        <Text of={one.name} most={20} />
      </strong>
      {one.state === 'Z' && <em class="badge">zombie</em>}
      {!short && (
        <>
          {box && !box.host && <Letter label={box.label} />}
          <small>
            {ROLES[one.role]}
            {ROLES[one.role] === '' && one.command !== one.name && <Text of={one.command} most={42} />}
            {one.uid[1] !== 0 && ` uid ${one.uid[1]}`}
          </small>
        </>
      )}
    </span>
  )
}

/** From the host's pid inwards: one process, as many pids as there are pid namespaces around it. */
function Pids({ scene, one }: { scene: Scene; one: ProcessView }) {
  const inodes = pidNamespaces(scene, one)
  return (
    <span class="pids">
      {one.pids.map((pid, level) => {
        const letter = scene.labels.of('pid', inodes[level])
        return (
          <span key={level} class={`pid ${letter ? `tone-${toneOf(letter)}` : 'host'}`}>
            <span class="unseen">{level === 0 ? 'pid ' : ', inside '}</span>
            {letter && <b aria-hidden="true">{letter}</b>}
            {pid}
          </span>
        )
      })}
    </span>
  )
}

/** Inodes from the reader's pid namespace inwards, one for each pid. */
function pidNamespaces(scene: Scene, one: ProcessView): (number | undefined)[] {
  const inodes: (number | undefined)[] = []
  let at = one.namespaces.pid
  for (let level = one.pids.length - 1; level >= 0; level--) {
    inodes[level] = at
    const parent: string | undefined = at === undefined ? undefined : scene.picture.tables.namespaces[`pid:${at}`]?.parent
    at = parent === undefined ? undefined : Number(parent.split(':')[1])
  }
  return inodes
}
