import { describe, expect, it } from 'vitest'
import { deltaBetween, emptyPicture, isQuiet } from '../../../lib/picture/delta.js'
import type { NamespaceView, Picture } from '../../../lib/picture/types.js'
import { type Moment, Replay } from '../../../lib/trace/replay.js'
import type { Happening, StepWords, TraceEvent } from '../../../lib/trace/types.js'
import { pictureOf } from '../../support/pictures.js'

const { host } = pictureOf(0)
const namespace = (inode: number): NamespaceView => ({ kind: 'uts', inode, host: false, drawn: [], members: 1 })

/** The state after so many namespaces have been made. */
function stateOf(count: number): Picture {
  const empty = emptyPicture(host, 1000 + count)
  const namespaces = Object.fromEntries(Array.from({ length: count }, (_, index) => [`uts:${index}`, namespace(index)]))
  return { ...empty, tables: { ...empty.tables, namespaces } }
}
const picture = (count: number): Happening => ({ kind: 'picture', picture: stateOf(count) })
const changed = (from: number, to: number): Happening => ({ kind: 'changed', delta: deltaBetween(stateOf(from), stateOf(to)) })

const step: StepWords = { actor: 'host', call: 'unshare', shown: 'unshare(uts)', args: [] }
const ahead = (box = 'box'): Happening => ({ kind: 'ahead', box, steps: [step], focus: [100] })
const done = (box = 'box'): Happening => ({
  kind: 'done',
  box,
  results: [{ status: 'ok', outcome: '0', nanoseconds: 900 }],
  changes: [],
  because: [],
  focus: [100],
})
const session: Happening = { kind: 'session', version: 1, session: 'prompt', title: 'prompt', pid: 1, uid: 0, auto: false }
const scene = (index: number): Happening => ({ kind: 'scene', index, heading: `scene ${index}`, markdown: 'words' })
const printed = (text: string, box = 'box'): Happening => ({ kind: 'printed', box, text })

const events = (...happenings: Happening[]): TraceEvent[] => happenings.map((what, seq) => ({ seq, at: 2000 + seq, what }))
const made = (picture: Picture | undefined) => picture && Object.keys(picture.tables.namespaces).length
const seen = (replay: Replay, { index }: Moment) => [made(replay.before(index)), made(replay.after(index))]

describe('the moments of a trace', () => {
  it('has an act with the state before and after it', () => {
    const replay = new Replay(events(session, picture(0), scene(0), ahead(), changed(0, 1), done(), changed(1, 3)))
    expect(replay.moments.map(({ kind, scene, at }) => [kind, scene, at])).toEqual([
      ['session', undefined, 2000],
      ['scene', 0, 2002],
      ['act', 0, 2005],
    ])
    expect(replay.moments.map((moment) => seen(replay, moment))).toEqual([
      [undefined, 0],
      [0, 0],
      [1, 3],
    ])
    expect(replay.session?.title).toBe('prompt')
    expect(Object.keys(replay.change(2)?.set.namespaces ?? {})).toEqual(['uts:1', 'uts:2'])
    expect(replay.change(0)).toBeUndefined()
    expect(replay.change(1) && isQuiet(replay.change(1) as never)).toBe(true)
  })

  it('tells of an act as soon as it is ahead, and again when it is done and when its picture is there', () => {
    const replay = new Replay(events(session, picture(0)))
    const told = events(ahead(), changed(0, 1), done(), changed(1, 2)).map((event) => replay.add(event))
    expect(told.map((moment) => moment?.index)).toEqual([1, 1, 1, 1])
    expect(told.map((moment) => moment?.kind === 'act' && moment.done !== undefined)).toEqual([false, false, true, true])
    expect(replay.moments).toHaveLength(2)
    expect(seen(replay, replay.moments[1] as Moment)).toEqual([1, 2])
  })

  it('gives a picture to the event that it follows, whatever was said or printed in between', () => {
    const said: Happening = { kind: 'said', markdown: 'and now' }
    const looked: Happening = { kind: 'looked', title: 'look', rows: [] }
    const replay = new Replay(
      events(session, picture(0), ahead(), done(), printed('a'), printed('b'), changed(0, 2), said, looked, changed(2, 5)),
    )
    expect(replay.moments.map(({ kind }) => kind)).toEqual(['session', 'act', 'printed', 'said', 'looked'])
    expect(replay.moments.map((moment) => seen(replay, moment)[1])).toEqual([0, 2, 0, 2, 5])
    const words = replay.moments[2]
    expect(words?.kind === 'printed' && words.event.text).toBe('ab')
  })

  it('keeps the acts of two boxes apart', () => {
    const replay = new Replay(
      events(session, ahead('one'), ahead('two'), done('one'), printed('1', 'one'), printed('2', 'two'), done('two')),
    )
    const acts = replay.moments.flatMap((moment) => (moment.kind === 'act' ? [[moment.ahead.box, moment.done?.box]] : []))
    expect(acts).toEqual([
      ['one', 'one'],
      ['two', 'two'],
    ])
    expect(replay.moments.filter(({ kind }) => kind === 'printed')).toHaveLength(2)
  })

  it('leaves an act open that was given up, and starts the next one', () => {
    const replay = new Replay(events(session, ahead(), scene(0), ahead(), done(), { kind: 'end', status: 0 }))
    expect(replay.moments.map((moment) => (moment.kind === 'act' ? moment.done !== undefined : moment.kind))).toEqual([
      'session',
      false,
      'scene',
      true,
      'end',
    ])
  })

  it('passes over what fits nowhere', () => {
    const replay = new Replay(events(session, done(), changed(0, 1)))
    expect(replay.moments).toHaveLength(1)
    expect([replay.before(0), replay.after(0), replay.after(-1), replay.after(7)]).toEqual([undefined, undefined, undefined, undefined])
  })

  it('goes to any moment from any other', () => {
    const acts = Array.from({ length: 100 }, (_, index) => [ahead(), done(), changed(index, index + 1)]).flat()
    const replay = new Replay(events(session, picture(0), ...acts))
    const places = [100, 1, 99, 50, 51, 52, 50, 16, 15, 17, 32, 2, 88]
    expect(places.map((place) => seen(replay, replay.moments[place] as Moment))).toEqual(places.map((place) => [place - 1, place]))
    expect(replay.before(40)).toEqual({ ...stateOf(39), took: 0 })
  })
})
