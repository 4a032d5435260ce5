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
  /** Of the processes that are drawn. */
  readonly pids: ReadonlySet<number>
}

/** Boxes that are drawn unless more are asked for. */
export const FEW = 12

export function sceneOf(picture: Picture, labels: Labels, filter = '', most = FEW): Scene {
  const all = boxesOf(picture, labels)
  const wanted = filter.trim().toLowerCase()
  const fitting = all.filter((box) => box.host || wanted === '' || fits(box, wanted))
  const boxes = fitting.slice(0, most + 1)
  return { picture, labels, boxes, hidden: fitting.length - boxes.length, pids: pidsOf(picture, all, boxes) }
}

function fits(box: Box, wanted: string): boolean {
  const words = [box.label, box.name, box.hostname ?? '', ...box.processes.flatMap(({ pids, command }) => [...pids, command])]
  const inodes = Object.values(box.namespaces)
  return [...words, ...inodes].some((word) => String(word).toLowerCase().includes(wanted))
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
