/** What holds of every Dockerfile: it is read or refused in a sentence, and at once; what was written is what is read; nothing grows without end. */
import { describe, expect, test } from 'vitest'
import { expand, expandWords, Glob, Ignore, parseDockerfile, parseTrigger, readIgnore } from '../../../../lib/image/dockerfile/index.js'
import { answerOf, fc, RUNS } from '../../../support/properties.js'

const INSTRUCTIONS = [
  ...['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER', 'ONBUILD', 'RUN', 'SHELL'],
  ...['STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR', '#', '# escape=`', 'NONE', 'nothing', ''],
]
/** What stands behind them: pieces that mean something, in any order. */
const pieces = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...[
        'a',
        ' ',
        '\t',
        '"',
        "'",
        '\\',
        '`',
        '$',
        '${',
        '}',
        ':-',
        '=',
        '--',
        '--from=',
        '--interval=1s',
        '[',
        ']',
        ',',
        '"a"',
        '#',
        '/',
        '\r',
        '\n',
      ],
      ...['\\\n', '\u00a0', 'ONBUILD', 'CMD', 'NONE', 'AS', '["a"]', '\u2028', '<<EOF', '$a', '.', '*'],
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 24,
})
const line = fc.tuple(fc.constantFrom(...INSTRUCTIONS), fc.constantFrom(' ', '\t', '', '  '), pieces).map((parts) => parts.join(''))
const file = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'))

describe('a Dockerfile', () => {
  test('is read or refused, and so is each of its lines as a trigger', () => {
    fc.assert(
      fc.property(fc.boolean(), file, (begun, rest) => {
        const text = `${begun ? 'FROM a\n' : ''}${rest}`
        const found = answerOf(() => parseDockerfile(text))
        // Nothing is there that was not in the text.
        if (found) expect(JSON.stringify(found).length).toBeLessThan(40 * text.length + 1000)
        for (const line of rest.split('\n')) answerOf(() => parseTrigger(line))
      }),
      { numRuns: 2 * RUNS },
    )
  })

  test('has the words that were written as a list, and the pairs that were quoted', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', maxLength: 10 }), { minLength: 1, maxLength: 4 })
    const name = fc.stringMatching(/^[a-zA-Z_]{1,8}$/)
    const text = fc.string({ unit: fc.constantFrom(...'ab =:,\'"#$\\`é'), maxLength: 12 })
    fc.assert(
      fc.property(words, fc.dictionary(name, text, { minKeys: 1, maxKeys: 3, noNullPrototype: true }), (words, labels) => {
        const quoted = Object.entries(labels).map(([key, value]) => `${key}="${value.replace(/["$\\]/g, '\\$&')}"`)
        const { stages } = parseDockerfile(`FROM a\nCMD ${JSON.stringify(words)}\nLABEL ${quoted.join(' ')}\n`)
        const [cmd, label] = stages[0]?.commands ?? []
        expect(cmd).toMatchObject({ kind: 'cmd', line: { words, shell: false } })
        if (label?.kind !== 'label') throw new Error('it is no LABEL')
        const told = label.pairs.map(({ name, value }) => [name, expand(value, '\\', () => 'a variable')])
        expect(told).toEqual(Object.entries(labels))
      }),
    )
  })

  // Were a pattern of the parser to go back and forth, each of these would take minutes or hours.
  const MANY = 60_000
  const blanks = ' '.repeat(MANY / 2)
  test.each([
    ['directive', `#escape=x${blanks}y`],
    ['directive that is broken off', `#escape=${blanks}y${blanks}\u2028z`],
    ['name of a directive', `#${'a'.repeat(MANY)}`],
    ['continuation', `RUN ${'\\ '.repeat(MANY / 2)}x`],
    ['length of time', `HEALTHCHECK --interval=${'1'.repeat(MANY)} CMD x`],
    ['length of time in pieces', `HEALTHCHECK --interval=${'1s'.repeat(MANY / 2)}x CMD x`],
    ['number', `HEALTHCHECK --retries=${'1'.repeat(MANY)}x CMD x`],
    ['name of a stage', `FROM a AS ${'a'.repeat(MANY)}!`],
    ['pair', `ENV a${blanks}${blanks}`],
    ['list', `CMD ${'['.repeat(MANY)}`],
    ['trigger', `ONBUILD ${'--x '.repeat(MANY / 4)}RUN`],
    ['blanks', `RUN${'\u00a0'.repeat(MANY / 4)}x${'\u00a0'.repeat(MANY / 4)}`],
    ['flags', `COPY ${'--from=a '.repeat(MANY / 10)} a b`],
  ])('with an endless %s is done with at once', (_, text) => void answerOf(() => parseDockerfile(`${text}\nFROM a\n${text}\n`)), 10_000)
})

describe('a word with variables', () => {
  const token = fc.constantFrom('\\', '`')
  const variables = (name: string) => (name.length % 3 === 0 ? undefined : name.length % 3 === 1 ? `<${name}>` : 'two words')

  test('is replaced or refused', () => {
    fc.assert(
      fc.property(pieces, token, (word, token) => {
        const one = answerOf(() => expand(word, token, variables))
        const words = answerOf(() => expandWords(word, token, variables))
        expect(words === undefined).toBe(one === undefined)
      }),
      { numRuns: 5 * RUNS },
    )
  })

  test('without any is itself', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9/.:=-]{0,30}$/), token, (word, token) => {
        expect(expand(word, token, variables)).toBe(word)
      }),
    )
  })

  test('that doubles itself each time comes to an end', () => {
    let value: string | undefined = 'x'
    let longest = 0
    for (let time = 0; time < 60 && value !== undefined; time++) {
      const before: string = value
      value = answerOf(() => expand('$a$a', '\\', () => before))
      longest = Math.max(longest, before.length)
    }
    expect(value).toBeUndefined()
    expect(longest).toBeLessThanOrEqual(1 << 20)
  }, 10_000)

  test.each(['${a:-', '$', '"', "'", '\\', '${', '"$a', '${a+'])(
    'with %j over and over is done with at once',
    (piece) => {
      answerOf(() => expand(piece.repeat(20_000), '\\', () => 'x'))
    },
    10_000,
  )
})

describe('a pattern', () => {
  const pattern = fc.string({ unit: fc.constantFrom(...'ab/*?[]^-\\!é', '**', '**/', '[a-b]'), maxLength: 16 })
  const path = fc.string({ unit: fc.constantFrom(...'ab/é.-'), maxLength: 16 })

  test('matches or does not, or is refused', () => {
    fc.assert(
      fc.property(pattern, path, fc.boolean(), (pattern, path, deep) => {
        const glob = answerOf(() => new Glob(pattern, { deep }))
        if (glob) expect(typeof glob.matches(path)).toBe('boolean')
        answerOf(() => new Ignore(readIgnore(`${pattern}\n!${pattern}`)).ignores(path))
      }),
      { numRuns: 5 * RUNS },
    )
  })

  test('of which each character is guarded matches that path, and no other', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        const glob = new Glob([...one].map((character) => `\\${character}`).join(''))
        expect([glob.matches(one), glob.matches(other)]).toEqual([true, one === other])
      }),
    )
  })

  test.each(['*', '**/', '*a', '?*', '[a-b]*'])(
    'with %j over and over is done with at once',
    (piece) => {
      const glob = new Glob(piece.repeat(500), { deep: true })
      glob.matches(`${'a'.repeat(1000)}!`)
    },
    10_000,
  )
})
