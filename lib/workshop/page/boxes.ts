/**
 * What people call a container is, to the kernel, only some processes that are in the same namespaces. A box is that: all drawn processes whose
 * namespaces are equal, kind by kind. Boxes are made of a picture alone; who made them, or what for, plays no part.
 */
import type { Picture, ProcessView } from '../../picture/types.js'
import { KINDS } from './kinds.js'
import type { Labels } from './labels.js'

export interface Box {
  /** Its namespaces: the same box has the same key while it lives. */
  readonly key: string
  /** `A`, or `host`. */
  readonly label: string
  readonly host: boolean
  /** What its first process is called. */
  readonly name: string
  /** When it has brought one up. */
  readonly hostname?: string
  /** By pid. */
  readonly processes: readonly ProcessView[]
  /** Kind → inode. */
  readonly namespaces: Readonly<Record<string, number>>
  /** Key of the box in whose pid or user namespace its own was made. */
  readonly parent?: string
  /** How many boxes it is in. */
  readonly depth: number
}

/** The host first, which is there even where no process of it is drawn, then each box followed by those that are in it. */
export function boxesOf(picture: Picture, labels: Labels): Box[] {
  const host = signature(picture.host.namespaces)
  const grouped = new Map<string, ProcessView[]>([[host, []]])
  for (const one of Object.values(picture.tables.processes)) {
    const key = signatureOf(one, picture) ?? host
    const group = grouped.get(key)
    if (group) group.push(one)
    else grouped.set(key, [one])
  }
  const found = [...grouped].map(([key, processes]) => boxOf(key, processes, key === host, picture, labels))
  found.sort((one, other) => Number(other.host) - Number(one.host) || first(one) - first(other))
  const withParents = toldApart(found).map((box) => ({ ...box, ...parentOf(box, found, picture) }))
  return nested(besideSharers(withParents, picture))
}

export const isOwn = (box: Box, kind: string, picture: Picture): boolean => {
  const inode = box.namespaces[kind]
  return inode !== undefined && inode !== picture.host.namespaces[kind]
}

/** A process that has entered only some of a box's namespaces bears its letter too. */
function toldApart(boxes: readonly Box[]): Box[] {
  const times = new Map<string, number>()
  return boxes.map((box) => {
    const time = (times.get(box.label) ?? 0) + 1
    times.set(box.label, time)
    return time === 1 ? box : { ...box, label: `${box.label}${time}` }
  })
}

const first = (box: Box): number => box.processes[0]?.pid ?? 0

const signature = (namespaces: Readonly<Record<string, number>>): string => KINDS.map((kind) => namespaces[kind] ?? '').join(' ')

/** A zombie, and what may not be read, is where its parent is. */
function signatureOf(one: ProcessView, picture: Picture): string | undefined {
  for (let [at, deep] = [one as ProcessView | undefined, 0]; at && deep < 50; deep++) {
    if (Object.keys(at.namespaces).length > 0) return signature(at.namespaces)
    at = picture.tables.processes[at.parent]
  }
  return undefined
}

function boxOf(key: string, unsorted: ProcessView[], host: boolean, picture: Picture, labels: Labels): Box {
  const processes = unsorted.sort((one, other) => one.pid - other.pid)
  const namespaces = processes.find((one) => Object.keys(one.namespaces).length > 0)?.namespaces ?? picture.host.namespaces
  const label = host ? 'host' : labels.ofBox(namespaces)
  // One that it shares with the box that it came from is that box's name.
  const uts = labels.of('uts', namespaces.uts) === label ? picture.tables.namespaces[`uts:${namespaces.uts}`] : undefined
  const hostname = host ? picture.host.hostname : uts?.hostname
  const name = host ? 'the host' : (processes.find((one) => one.role === 'container') ?? processes[0])?.name || '?'
  return { key, label, host, name, processes, namespaces, depth: 0, ...(hostname === undefined ? {} : { hostname }) }
}

/** By the pid namespace that its own was made in; a box that shares the host's pid namespace by the user namespace. */
function parentOf(box: Box, all: readonly Box[], picture: Picture): { parent?: string } {
  for (const kind of ['pid', 'user']) {
    if (!isOwn(box, kind, picture)) continue
    const made = picture.tables.namespaces[`${kind}:${box.namespaces[kind]}`]?.parent
    if (made === undefined) continue
    const holder = all.find((other) => other !== box && !other.host && `${kind}:${other.namespaces[kind]}` === made)
    if (holder) return { parent: holder.key }
  }
  return {}
}

/** Who shares a namespace that is not the host's stands below whom it shares it with. */
function besideSharers(boxes: readonly Box[], picture: Picture): Box[] {
  const left = [...boxes]
  const ordered: Box[] = []
  const shares = (one: Box, other: Box) =>
    KINDS.some((kind) => isOwn(one, kind, picture) && one.namespaces[kind] === other.namespaces[kind])
  const take = (box: Box) => {
    left.splice(left.indexOf(box), 1)
    ordered.push(box)
    for (const sharer of left.filter((other) => shares(box, other))) if (left.includes(sharer)) take(sharer)
  }
  while (left[0]) take(left[0])
  return ordered
}

function nested(boxes: readonly Box[]): Box[] {
  const ordered: Box[] = []
  const seen = new Set<string>()
  const add = (box: Box, depth: number) => {
    if (seen.has(box.key)) return
    seen.add(box.key)
    ordered.push({ ...box, depth })
    for (const inner of boxes.filter(({ parent }) => parent === box.key)) add(inner, depth + 1)
  }
  for (const box of boxes.filter(({ parent }) => parent === undefined)) add(box, 0)
  for (const box of boxes) add(box, 0)
  return ordered
}
