import { describe, expect, it } from 'vitest'
import type { Picture, ProcessView } from '../../../../lib/picture/types.js'
import { boxesOf } from '../../../../lib/workshop/page/boxes.js'
import { Labels, toneOf } from '../../../../lib/workshop/page/labels.js'
import { FEW, sceneOf } from '../../../../lib/workshop/page/scene.js'
import { pictureOf } from '../../../support/pictures.js'

const withProcess = (picture: Picture, pid: number, change: Partial<ProcessView>): Picture => {
  const before = picture.tables.processes[pid] as ProcessView
  const processes = { ...picture.tables.processes, [change.pid ?? pid]: { ...before, ...change } }
  return { ...picture, tables: { ...picture.tables, processes } }
}

describe('boxes', () => {
  it('are the host and one for each set of namespaces', () => {
    const picture = pictureOf(2)
    const boxes = boxesOf(picture, Labels.of(picture))
    expect(boxes.map(({ label, name, hostname }) => [label, name, hostname])).toEqual([
      ['host', 'the host', 'harbour'],
      ['A', 'sh', 'box-0'],
      ['B', 'sh', 'box-1'],
    ])
    expect(boxes[0]?.processes.map(({ pid }) => pid)).toEqual([1, 700, 710, 1000, 1010])
    expect(boxes[1]?.processes.map(({ pid }) => pid)).toEqual([1001])
  })

  it('are the host alone where no process is drawn', () => {
    const picture = pictureOf(0)
    const empty = { ...picture, tables: { ...picture.tables, processes: {} } }
    expect(boxesOf(empty, Labels.of(empty))).toMatchObject([
      { label: 'host', host: true, hostname: 'harbour', processes: [], namespaces: picture.host.namespaces },
    ])
  })

  it('stand below those with whom they share something, and what is shared bears the letter of whom it came up with', () => {
    const picture = pictureOf(3, [{}, {}, { joins: 0 }])
    const labels = Labels.of(picture)
    const boxes = boxesOf(picture, labels)
    expect(boxes.map(({ label }) => label)).toEqual(['host', 'A', 'C', 'B'])
    const helper = boxes[2]
    expect(labels.of('net', helper?.namespaces.net)).toBe('A')
    expect(labels.of('uts', helper?.namespaces.uts)).toBe('C')
    expect(labels.of('user', helper?.namespaces.user)).toBeUndefined()
  })

  it('are in the box in whose pid namespace their own was made', () => {
    const outer = pictureOf(2)
    const [first, second] = [1001, 1011].map((pid) => outer.tables.processes[pid]?.namespaces.pid)
    const key = `pid:${second}`
    const inner = { ...(outer.tables.namespaces[key] as Picture['tables']['namespaces'][string]), parent: `pid:${first}` }
    const picture = { ...outer, tables: { ...outer.tables, namespaces: { ...outer.tables.namespaces, [key]: inner } } }
    const boxes = boxesOf(picture, Labels.of(picture))
    expect(boxes.map(({ label, depth }) => [label, depth])).toEqual([
      ['host', 0],
      ['A', 0],
      ['B', 1],
    ])
  })

  it('have a zombie and what may not be read where its parent is', () => {
    const picture = withProcess(pictureOf(1), 1001, { pid: 1005, parent: 1001, state: 'Z', namespaces: {} })
    const boxes = boxesOf(picture, Labels.of(picture))
    expect(boxes[1]?.processes.map(({ pid }) => pid)).toEqual([1001, 1005])
  })

  it('tells those apart that have entered only some namespaces of another', () => {
    const picture = pictureOf(1)
    const host = picture.host.namespaces
    const net = picture.tables.processes[1001]?.namespaces.net as number
    const entered = withProcess(picture, 700, { pid: 1500, namespaces: { ...host, net } })
    expect(boxesOf(entered, Labels.of(entered)).map(({ label }) => label)).toEqual(['host', 'A', 'A2'])
  })
})

describe('letters', () => {
  it('stay while their namespaces live, and are given again afterwards', () => {
    const [two, three] = [pictureOf(2), pictureOf(3)]
    const { '1001': _, ...left } = three.tables.processes
    const later = { ...three, tables: { ...three.tables, processes: left } }
    const labels = Labels.of(later, Labels.of(two))
    expect(boxesOf(later, labels).map(({ label }) => label)).toEqual(['host', 'B', 'A'])
    expect(boxesOf(later, labels)[1]?.processes[0]?.pid).toBe(1011)
  })

  it('stay with a process that goes on unsharing', () => {
    const picture = pictureOf(1)
    const host = picture.host.namespaces
    const first = withProcess(picture, 1001, { namespaces: { ...host, uts: 4026540004 } })
    const labels = Labels.of(first)
    const second = withProcess(picture, 1001, { namespaces: { ...host, uts: 4026540004, net: 4026540003 } })
    expect(Labels.of(second, labels).of('net', 4026540003)).toBe(labels.of('uts', 4026540004))
  })

  it('go on after Z, and each has a colour', () => {
    const picture = pictureOf(30)
    const labels = boxesOf(picture, Labels.of(picture)).map(({ label }) => label)
    expect(labels.slice(25)).toEqual(['Y', 'Z', 'AA', 'AB', 'AC', 'AD'])
    expect(['A', 'B', 'I', 'A2'].map(toneOf)).toEqual([0, 1, 0, 0])
  })
})

describe('a scene', () => {
  it('has no more boxes than there is room for, and none of the processes of the others', () => {
    const picture = pictureOf(200)
    const scene = sceneOf(picture, Labels.of(picture))
    expect([scene.boxes.length, scene.hidden]).toEqual([FEW + 1, 200 - FEW])
    expect([scene.pids.has(1001), scene.pids.has(1000), scene.pids.has(710)]).toEqual([true, true, true])
    expect([scene.pids.has(2991), scene.pids.has(2990)]).toEqual([false, false])
  })

  it('shows what is looked for by name, pid inside or inode', () => {
    const picture = pictureOf(200)
    const labels = Labels.of(picture)
    for (const filter of ['box-150', '2501', '4026541503', 'BOX-150 ']) {
      expect(sceneOf(picture, labels, { filter }).boxes.map(({ hostname }) => hostname)).toEqual(['harbour', 'box-150'])
    }
    expect(sceneOf(picture, labels, { filter: 'nobody' }).boxes).toHaveLength(1)
  })
})
