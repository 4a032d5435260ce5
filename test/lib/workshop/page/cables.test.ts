import { describe, expect, it } from 'vitest'
import type { LinkView, Picture } from '../../../../lib/picture/types.js'
import { type Plan, planOf, type RoomBox } from '../../../../lib/workshop/page/kernel/cables.js'
import { Labels } from '../../../../lib/workshop/page/labels.js'
import { sceneOf } from '../../../../lib/workshop/page/scene.js'
import { pictureOf } from '../../../support/pictures.js'

const plan = (picture: Picture, { most = 1000, brief = false } = {}): Plan =>
  planOf(sceneOf(picture, Labels.of(picture), { most }), 900, brief)

const room = ({ rooms }: Plan, label: string): RoomBox => rooms.find((one) => one.label === label) as RoomBox
const overlap = (one: RoomBox, other: RoomBox) =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height

describe('the drawing of a network', () => {
  it('hangs what is plugged into a bridge below it, each at its own cable', () => {
    const drawn = plan(pictureOf(3))
    expect(drawn.rooms.map(({ label }) => label)).toEqual(['host', 'A', 'B', 'C'])
    expect(drawn.cables.map(({ name, up }) => [name, up])).toEqual([
      ['veth0', true],
      ['veth1', true],
      ['veth2', true],
    ])
    const host = room(drawn, 'host')
    for (const label of ['A', 'B', 'C']) expect(room(drawn, label).y).toBeGreaterThan(host.y + host.height)
    const [bar] = host.bridges
    expect(bar?.link.name).toBe('drydock0')
    for (const { from, to } of drawn.cables) expect([from[0] - to[0], from[1] > (bar?.y as number)]).toEqual([0, true])
  })

  it('has no two rooms in one place', () => {
    for (const count of [0, 1, 5, 30]) {
      const { rooms } = plan(pictureOf(count))
      const pairs = rooms.flatMap((one, at) => rooms.slice(at + 1).map((other) => [one, other] as const))
      expect(pairs.filter(([one, other]) => overlap(one, other))).toEqual([])
    }
  })

  it('has one room for two who share a network', () => {
    const drawn = plan(pictureOf(2, [{ hostname: 'web' }, { hostname: 'helper', joins: 0 }]))
    expect(drawn.rooms.map(({ title }) => title)).toEqual(['harbour', 'web and 1 more'])
  })

  it('counts at the bridge what does not fit', () => {
    const drawn = plan(pictureOf(40), { brief: true })
    expect(drawn.rooms.length).toBeLessThan(6)
    expect(room(drawn, 'host').bridges[0]?.more).toBe(40 - (drawn.rooms.length - 1))
  })

  it('draws above a router who is the outside to it', () => {
    const picture = pictureOf(2)
    const [inner, outer] = [4026531837, 4026540013]
    // The second container is the internet: a cable of its own to the host, and no way back.
    const links: Record<string, LinkView> = { ...picture.tables.links }
    const { bridge: _, ...plain } = links[`${inner}/11`] as LinkView
    links[`${inner}/11`] = plain
    links[`${outer}/2`] = { ...(links[`${outer}/2`] as LinkView), gateways: [], addresses: ['203.0.113.80/24'] }
    const drawn = plan({ ...picture, tables: { ...picture.tables, links } })
    expect(room(drawn, 'B').y + room(drawn, 'B').height).toBeLessThan(room(drawn, 'host').y)
    expect(room(drawn, 'A').y).toBeGreaterThan(room(drawn, 'host').y)
  })

  it('says what is published and how senders are changed', () => {
    const lines = room(plan(pictureOf(1)), 'host').lines.map(({ text }) => text)
    expect(lines).toContain('⇄ tcp port 8080 → 172.20.0.2:80 (3 packets)')
    expect(lines).toContain('⇄ masquerade: ip saddr 172.20.0.0/16 oifname != "drydock0" (12 packets)')
  })
})
