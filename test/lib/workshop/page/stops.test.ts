import { describe, expect, it } from 'vitest'
import { Replay } from '../../../../lib/trace/replay.js'
import type { Happening, StepWords } from '../../../../lib/trace/types.js'
import { LabelBook } from '../../../../lib/workshop/page/step/label-book.js'
import { scopedTo } from '../../../../lib/workshop/page/step/scope.js'
import { actAfter, stopsOf, textAt } from '../../../../lib/workshop/page/step/stops.js'
import { pictureOfChange, telling } from '../../../../lib/workshop/page/step/telling.js'
import { pictureOf } from '../../../support/pictures.js'

const step = (shown: string): StepWords => ({ actor: 'host', call: shown, shown, args: [] })
const ahead = (shown: string): Happening => ({ kind: 'ahead', box: 'b', steps: [step(shown)], focus: [] })
const done: Happening = { kind: 'done', box: 'b', results: [], changes: [], because: [], focus: [] }

const HAPPENINGS: readonly Happening[] = [
  { kind: 'session', version: 1, session: 'lesson', title: 't', pid: 710, uid: 0, auto: true },
  { kind: 'scene', index: 0, heading: 'One', markdown: 'first' },
  { kind: 'picture', picture: pictureOf(0) },
  ahead('mkdir'),
  done,
  { kind: 'said', markdown: 'after' },
  { kind: 'printed', box: 'b', text: 'out' },
  { kind: 'scene', index: 1, heading: 'Two', markdown: 'second' },
  ahead('clone3'),
]
const replay = new Replay(HAPPENINGS.map((what, seq) => ({ seq, at: seq, what })))

describe('stops', () => {
  const stops = stopsOf(replay.moments)

  it('are what one steps through; what was said between them goes with the next, and with the last of its scene', () => {
    expect(stops.map(({ moment }) => moment.kind)).toEqual(['scene', 'act', 'scene', 'act'])
    expect(stops[1]?.words.map(({ kind }) => kind)).toEqual(['said', 'printed'])
  })

  it('have the text of their scene up to there', () => {
    const heads = (at: number) => textAt(stops, at).map((moment) => moment.kind)
    expect([heads(0), heads(1), heads(3)]).toEqual([['scene'], ['scene', 'said'], ['scene']])
  })

  it('begin with what was said before the first scene', () => {
    const said = (markdown: string): Happening => ({ kind: 'said', markdown })
    const [session, scene] = HAPPENINGS as readonly [Happening, Happening]
    const begun = new Replay([session, said('before'), scene, said('in it')].map((what, seq) => ({ seq, at: seq, what })))
    const told = textAt(stopsOf(begun.moments), 0).map((moment) => (moment.kind === 'said' ? moment.event.markdown : moment.kind))
    expect(told).toEqual(['before', 'scene', 'in it'])
  })

  it('know the next call', () => {
    expect(actAfter(stops, 1)?.ahead.steps[0]?.shown).toBe('clone3')
    expect(actAfter(stops, 3)).toBeUndefined()
  })
})

describe('the picture of a step', () => {
  it('is of the session, and of what it looks at', () => {
    const picture = pictureOf(2)
    const pids = (of: typeof picture) => Object.keys(of.tables.processes).map(Number)
    expect(pids(scopedTo(picture, 710, []))).toEqual([710, 1000, 1001, 1010, 1011])
    expect(pids(scopedTo(picture, 99999, [1010]))).toEqual([1010, 1011])
    expect(scopedTo(picture, 99999, [])).toBe(picture)
  })

  it('is the one that tells most of what has changed', () => {
    expect(pictureOfChange({ mark: 'processes/1/capabilities', words: '' })).toBe('capabilities')
    expect(
      telling([
        { mark: 'processes/1', words: '' },
        { mark: 'links/4026531837/2/addresses', words: '' },
      ]),
    ).toBe('network')
    expect(
      telling([
        { mark: 'namespaces/net:4026540003', words: '' },
        { mark: 'links/4026540003/1', words: '' },
      ]),
    ).toBe('namespaces')
    expect(telling([])).toBeUndefined()
  })

  it('has the same letters wherever one comes from', () => {
    const one = pictureOf(1)
    const grown = new Replay([
      ...HAPPENINGS.map((what, seq) => ({ seq, at: seq, what })),
      { seq: 9, at: 9, what: { kind: 'picture', picture: one } },
    ])
    const last = grown.moments.length - 1
    const uts = one.tables.processes[1001]?.namespaces.uts
    expect(new LabelBook(grown).at(last)?.of('uts', uts)).toBe('A')
    const book = new LabelBook(grown)
    book.at(0)
    expect(book.at(last)?.of('uts', uts)).toBe('A')
  })
})
