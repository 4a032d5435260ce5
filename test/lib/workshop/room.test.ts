/** Learners: whom the room lets in, what it keeps of them, and what it refuses. */
import { afterEach, describe, expect, test } from 'vitest'
import type { LearnerReport } from '../../../lib/trace/report.js'
import { readReport } from '../../../lib/workshop/report.js'
import { Room } from '../../../lib/workshop/room.js'
import { aReport, ask, type OpenServer, openServer, report } from '../../support/workshop.js'

const idOf = (number: number): string => number.toString(16).padStart(16, '0')

describe('the room', () => {
  let now = 1_000_000
  const roomNow = () => new Room(() => now)
  const reportOf = ({ word }: Room, changes: Partial<LearnerReport> = {}) => aReport(word, changes)

  test('its word can be said and typed, and is another each time', () => {
    const words = Array.from({ length: 50 }, () => new Room().word)
    for (const word of words) expect(word).toMatch(/^[a-z]{3,9}-[a-z]{3,9}-\d\d$/)
    expect(new Set(words).size).toBeGreaterThan(40)
  })

  test('a learner is shown without what only he knows', () => {
    const room = roomNow()
    room.hear(reportOf(room), '192.0.2.1')
    const { version: _v, id: _i, room: _r, ...rest } = reportOf(room)
    expect(room.learners).toEqual([{ ...rest, key: '1', heard: now }])
  })

  test('its word may be typed in capitals, and between blanks', () => {
    const room = roomNow()
    room.hear(reportOf(room, { room: ` ${room.word.toUpperCase()} ` }), 'a')
    expect(room.learners).toHaveLength(1)
  })

  test('two of one name are two; the same one is brought up to date and keeps his key', () => {
    const room = roomNow()
    room.hear(reportOf(room, { id: idOf(1) }), 'a')
    room.hear(reportOf(room, { id: idOf(2) }), 'a')
    room.hear(reportOf(room, { id: idOf(1), left: true }), 'b')
    expect(room.learners.map(({ key, name, left }) => [key, name, left])).toEqual([
      ['1', 'Ada', true],
      ['2', 'Ada', false],
    ])
  })

  test('a wrong word lets nobody in, also not one who is in', () => {
    const room = roomNow()
    room.hear(reportOf(room, { id: idOf(1) }), 'a')
    for (const id of [idOf(1), idOf(2)]) {
      for (const word of ['', 'open', room.word.slice(1), `${room.word}0`, room.word.replaceAll('-', ' ')]) {
        expect(() => room.hear(reportOf(room, { id, room: word }), 'a')).toThrow(expect.objectContaining({ status: 403 }))
      }
    }
    expect(room.learners).toHaveLength(1)
  })

  test('who guesses at the word is stopped, and the others of that address go on', () => {
    const room = roomNow()
    room.hear(reportOf(room, { id: idOf(1) }), 'class')
    const guess = (word: string) => () => room.hear(reportOf(room, { id: idOf(2), room: word }), 'class')
    for (let n = 0; n < 30; n++) expect(guess(`guess-${n}`)).toThrow(expect.objectContaining({ status: 403 }))
    expect(guess('guess')).toThrow(expect.objectContaining({ status: 429 }))
    expect(guess(room.word)).toThrow(expect.objectContaining({ status: 429 }))
    room.hear(reportOf(room, { id: idOf(1) }), 'class')
    room.hear(reportOf(room, { id: idOf(3) }), 'elsewhere')
    now += 2000
    expect(guess(room.word)).not.toThrow()
  })

  test('reports that come too fast are refused for a while', () => {
    const room = roomNow()
    for (let n = 0; n < 10; n++) room.hear(reportOf(room, { name: `Ada ${n}` }), 'a')
    expect(() => room.hear(reportOf(room), 'a')).toThrow(expect.objectContaining({ status: 429 }))
    expect(room.learners.map(({ name }) => name)).toEqual(['Ada 9'])
    now += 500
    room.hear(reportOf(room), 'a')
    expect(room.learners.map(({ name }) => name)).toEqual(['Ada'])
  })

  test('the silent are forgotten after four hours', () => {
    const room = roomNow()
    room.hear(reportOf(room, { id: idOf(1) }), 'a')
    now += 4 * 3_600_000
    room.hear(reportOf(room, { id: idOf(2) }), 'a')
    expect(room.learners).toHaveLength(2)
    now += 1
    expect(room.learners.map(({ key }) => key)).toEqual(['2'])
  })

  test('a full room takes nobody else, but in place of who has left or was long silent', () => {
    const room = roomNow()
    for (let n = 0; n < 500; n++) room.hear(reportOf(room, { id: idOf(n) }), `a${n % 5}`)
    const one = () => room.hear(reportOf(room, { id: idOf(1000) }), 'b')
    expect(one).toThrow(expect.objectContaining({ status: 503 }))
    room.hear(reportOf(room, { id: idOf(7), left: true }), 'a2')
    one()
    expect(room.learners).toHaveLength(500)
    expect(room.learners.map(({ key }) => key)).not.toContain('8')
    now += 16 * 60_000
    room.hear(reportOf(room, { id: idOf(1001) }), 'c')
    expect(room.learners).toHaveLength(500)
  })

  test('who makes up a hundred learners keeps out no others', () => {
    const room = roomNow()
    for (let n = 0; n < 100; n++) room.hear(reportOf(room, { id: idOf(n) }), 'a')
    const another = () => room.hear(reportOf(room, { id: idOf(100) }), 'a')
    expect(another).toThrow(expect.objectContaining({ status: 503 }))
    for (const n of [101, 102]) room.hear(reportOf(room, { id: idOf(n) }), 'b')
    room.hear(reportOf(room, { id: idOf(7), left: true }), 'a')
    another()
    expect(room.learners).toHaveLength(102)
  })
})

describe('a report', () => {
  test('that is right is read as it is', () => {
    expect(readReport(aReport('word'))).toEqual(aReport('word'))
    expect(readReport({ ...aReport('word'), lesson: null, scene: null, exercises: [] })).toMatchObject({ lesson: null, scene: null })
    const longest = aReport('word', { name: '𝔸'.repeat(40) })
    expect(readReport(longest)).toEqual(longest)
  })

  const good = aReport('word')
  const [exercise] = good.exercises
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', [good]],
    ['a text', 'report'],
    ['another version', { ...good, version: 2 }],
    ['a member more', { ...good, hostname: 'secret' }],
    ['__proto__', JSON.parse(JSON.stringify(good).replace('{', '{"__proto__":{},'))],
    ['a member less', { ...good, left: undefined, exercises: undefined }],
    ['an id that is short', { ...good, id: '0123456789abcde' }],
    ['an id that is none', { ...good, id: '0123456789ABCDEFG' }],
    ['an id that is a number', { ...good, id: 123456789012345 }],
    ['no name', { ...good, name: '' }],
    ['a name of blanks', { ...good, name: '   ' }],
    ['a long name', { ...good, name: 'a'.repeat(41) }],
    ['a name that clears the screen', { ...good, name: 'Ada\u001b[2J' }],
    ['a name in two lines', { ...good, name: 'Ada\nBob' }],
    ['a name that turns the text around', { ...good, name: '\u202eadA' }],
    ['half a character', { ...good, name: '\ud800' }],
    ['a long word', { ...good, room: 'a'.repeat(61) }],
    ['a lesson that is a number', { ...good, lesson: 5 }],
    ['a lesson with more', { ...good, lesson: { ...good.lesson, path: '/home' } }],
    ['a lesson with less', { ...good, lesson: { number: 5 } }],
    ['a lesson that is not whole', { ...good, lesson: { number: 1.5, title: '' } }],
    ['a scene before the first', { ...good, scene: { index: -1, of: 1, heading: '' } }],
    ['a scene without an end', { ...good, scene: { index: 1, of: Number.MAX_VALUE, heading: '' } }],
    ['a long heading', { ...good, scene: { index: 1, of: 2, heading: 'a'.repeat(201) } }],
    ['exercises that are none', { ...good, exercises: { 0: exercise } }],
    ['many exercises', { ...good, exercises: Array(41).fill(exercise) }],
    ['an exercise in another state', { ...good, exercises: [{ ...exercise, state: '__proto__' }] }],
    ['an exercise with more', { ...good, exercises: [{ ...exercise, file: 'text' }] }],
    ['a long sight', { ...good, exercises: [{ ...exercise, saw: 'a'.repeat(201) }] }],
    ['left', { ...good, left: 'no' }],
  ])('with %s is refused with a sentence', (_what, body) => {
    expect(() => readReport(body)).toThrow(
      expect.objectContaining({ name: 'DrydockError', status: 400, message: expect.stringMatching(/^this report is not understood: /) }),
    )
  })

  test('what a check saw cannot move a cursor', () => {
    const { exercises } = readReport({ ...good, exercises: [{ ...exercise, saw: 'a\u001b[31mb\nc' }] })
    expect(exercises[0]?.saw).toBe('a\\u001b[31mb\\nc')
  })

  test('whatever stands in whichever place, it is read or refused, and never more is kept than was allowed', () => {
    const odd: readonly unknown[] = [
      undefined,
      null,
      true,
      0,
      -1,
      1e300,
      '',
      'x'.repeat(300),
      '\u0000',
      [],
      {},
      [[]],
      { toString: 1 },
      '<script>',
      5,
    ]
    const places = (value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))]
        : [path]
    const put = (value: unknown, [at, ...rest]: readonly (string | number)[], what: unknown): unknown => {
      if (at === undefined) return what
      const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
      Object.assign(copy, { [at]: put((value as Record<string, unknown>)[at], rest, what) })
      return copy
    }
    let read = 0
    for (const path of places(good)) {
      for (const what of odd) {
        const body = put(good, path, what)
        try {
          const kept = readReport(body)
          read++
          expect(Object.keys(kept)).toEqual(Object.keys(good))
          expect(JSON.stringify(kept).length).toBeLessThan(JSON.stringify(good).length + 300)
        } catch (error) {
          expect(error, `${path.join('.')} = ${JSON.stringify(what)}`).toMatchObject({ name: 'DrydockError', status: 400 })
        }
      }
    }
    expect(read).toBeGreaterThan(20)
  })
})

describe('over the network', () => {
  let server: OpenServer
  afterEach(() => server.close())

  test('a learner needs the word and no token, and sees nothing of the page', async () => {
    server = await openServer({ door: { names: [], token: '0'.repeat(32) } })
    expect(await report(server.port, aReport(server.room.word))).toMatchObject({ status: 204, body: '' })
    expect(server.room.learners).toHaveLength(1)
    const refused = await report(server.port, aReport('open-sesame-11'))
    expect(refused.status).toBe(403)
    expect(JSON.parse(refused.body)).toEqual({ message: 'that is not the word of this room: it is on the instructor’s page' })
    for (const path of ['/room/report', '/room', '/live']) expect((await ask(server.port, path)).status).toBe(401)
  })

  test.each<[string, number, string, Record<string, string>]>([
    ['no JSON', 400, 'report', {}],
    ['JSON that does not end', 400, '{"version":1', {}],
    ['a poisoned prototype', 400, '{"__proto__":{"left":true}}', {}],
    ['too much', 413, JSON.stringify({ name: 'a'.repeat(17_000) }), {}],
    ['a form, which any site may send', 415, 'version=1', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a text, which any site may send', 415, '{}', { 'Content-Type': 'text/plain' }],
    ['nothing', 400, '', {}],
  ])('%s is refused in a sentence', async (_what, status, body, headers) => {
    server = await openServer()
    const answer = await ask(server.port, '/room/report', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
    })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toEqual({ message: expect.stringMatching(/^\S.{10,200}$/) })
    expect(server.room.learners).toEqual([])
    expect(server.log).toEqual([])
  })
})
