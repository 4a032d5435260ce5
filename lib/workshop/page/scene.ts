/** A picture made ready to be drawn: who is in it, and how many of them there is room for. */
import type { Picture } from '../../picture/types.js'
import { type Box, boxesOf } from './boxes.js'
import type { Labels } from './labels.js'

export interface Scene {
  readonly picture: Picture
  readonly labels: Labels
  /** The host first; those that fit the filter, no more than so many. */
  readonly boxes: readonly Box[]
  /** How many more fit it. */
  readonly hidden: number
  /** It is about one session: a host that has nothing to do with it is not drawn. */
  readonly session: boolean
  /** Of the processes that are drawn. */
  readonly pids: ReadonlySet<number>
}

/** Boxes that are drawn unless more are asked for. */
export const FEW = 12

/** Digits of an inode's number that are enough to find it. */
const INODE = 4

export function sceneOf(picture: Picture, labels: Labels, { filter = '', most = FEW, session = false } = {}): Scene {
  const all = boxesOf(picture, labels)
  const wanted = filter.trim().toLowerCase()
  const fitting = all.filter((box) => box.host || wanted === '' || fits(box, wanted))
  const boxes = fitting.slice(0, most + 1)
  return { picture, labels, boxes, hidden: fitting.length - boxes.length, session, pids: pidsOf(picture, all, boxes) }
}

function fits(box: Box, wanted: string): boolean {
  const { label, name, hostname = '', processes, namespaces } = box
  // A number is a pid, or an inode's last digits: so many that they mean one.
  if (/^\d+$/.test(wanted)) {
    const inode = wanted.length >= INODE && Object.values(namespaces).some((one) => String(one).endsWith(wanted))
    if (inode || processes.some(({ pids }) => pids.includes(Number(wanted)))) return true
  }
  return [label, name, hostname, ...processes.map(({ command }) => command)].some((word) => word.toLowerCase().includes(wanted))
}

/** The processes of these boxes and their ancestors, and of the host's those that have none in a box that is left out. */
function pidsOf(picture: Picture, all: readonly Box[], shown: readonly Box[]): ReadonlySet<number> {
  const { processes } = picture.tables
  const withAncestors = (boxes: readonly Box[]) => {
    const pids = new Set<number>()
    for (const { pid } of boxes.flatMap((box) => box.processes)) {
      for (let at = processes[pid]; at && !pids.has(at.pid); at = processes[at.parent]) pids.add(at.pid)
    }
    return pids
  }
  const pids = withAncestors(shown.filter(({ host }) => !host))
  const leftOut = withAncestors(all.filter((box) => !box.host && !shown.includes(box)))
  for (const { pid } of shown.find(({ host }) => host)?.processes ?? []) if (!leftOut.has(pid)) pids.add(pid)
  return pids
}

export const boxOfPid = (scene: Scene, pid: number): Box | undefined =>
  scene.boxes.find(({ processes }) => processes.some((one) => one.pid === pid))
