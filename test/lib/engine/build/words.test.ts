/** What a build says and reads by itself: arguments, quotes, paths, the keys of its cache. */
import { describe, expect, test } from 'vitest'
import { BuildArguments } from '../../../../lib/engine/build/arguments.js'
import { authFor } from '../../../../lib/engine/build/base.js'
import { sameConfig } from '../../../../lib/engine/build/cache.js'
import { bytes, destinationOf, hasWildcards, idIn, ownerWords, sourcePath, upTo } from '../../../../lib/engine/build/copy-rules.js'
import { quote, quoteAll, quoteHealth } from '../../../../lib/engine/build/quote.js'
import { stageNamed } from '../../../../lib/engine/build/stages.js'
import { isGitUrl, isUrl } from '../../../../lib/engine/build/web.js'

describe('build arguments', () => {
  test('are worth what was given, then the default, then what stands before the first FROM', () => {
    const before = new BuildArguments({ GIVEN: 'given', ALONE: null, HTTP_PROXY: 'proxy' })
    before.allowMeta('META', 'meta')
    before.allowMeta('GIVEN', 'default')
    expect(before.meta()).toEqual(['GIVEN=given', 'HTTP_PROXY=proxy', 'META=meta'])
    const stage = before.nextStage()
    expect(stage.allowed([])).toEqual(['HTTP_PROXY=proxy'])
    stage.allow('META', undefined)
    stage.allow('GIVEN', 'other')
    stage.allow('ALONE', undefined)
    stage.allow('PLAIN', '')
    expect(stage.allowed(['PLAIN=set'])).toEqual(['GIVEN=given', 'HTTP_PROXY=proxy', 'META=meta'])
    expect([stage.isTold('GIVEN'), stage.isTold('HTTP_PROXY')]).toEqual([true, false])
    stage.allow('HTTP_PROXY', undefined)
    expect(stage.isTold('HTTP_PROXY')).toBe(true)
    expect(before.nextStage().allowed([])).toEqual(['HTTP_PROXY=proxy'])
  })

  test('that no ARG names are left over', () => {
    const args = new BuildArguments({ b: '1', a: null, used: '1', no_proxy: '' })
    args.nextStage().allow('used', undefined)
    expect(args.unused()).toEqual(['a', 'b'])
  })
})

test('quotes are Go’s', () => {
  expect(quote('a"b\\c\n\u0001é\u200b😀')).toBe('"a\\"b\\\\c\\n\\x01é\\u200b😀"')
  expect(quoteAll(['a', ''])).toBe('["a" ""]')
  expect(quoteHealth({ Test: ['NONE'] })).toBe('&{["NONE"] "0s" "0s" "0s" \'\\x00\'}')
  expect(quoteHealth({ Test: ['CMD', 'x'], Interval: 300e9, Timeout: 1.5e9, Retries: 65 })).toBe('&{["CMD" "x"] "5m0s" "1.5s" "0s" \'A\'}')
})

describe('copying', () => {
  test.each([
    ['a', 'a'],
    ['/a//b/', 'a/b'],
    ['./a/../b', 'b'],
    ['.', ''],
    ['/', ''],
    ['/..', undefined],
    ['../a', undefined],
    ['a/../../b', undefined],
    ['..a', '..a'],
  ])('from %s', (word, expected) => {
    if (expected === undefined) expect(() => sourcePath(word)).toThrow(`forbidden path outside the build context: ${word} ()`)
    else expect(sourcePath(word)).toBe(expected)
  })

  test.each([
    ['', 'x', { path: '/x', directory: false }],
    ['/w', 'x/', { path: '/w/x', directory: true }],
    ['/w', '.', { path: '/w', directory: false }],
    ['/w', '../../../x', { path: '/x', directory: false }],
    ['/w', '/x/../y', { path: '/y', directory: false }],
  ])('to %s and %s', (workdir, word, expected) => {
    expect(destinationOf(workdir, word)).toEqual(expected)
  })

  test('names are bytes', () => {
    expect(destinationOf('', 'ü').path).toBe(`/${bytes('ü')}`)
    expect(() => sourcePath('a\0b')).toThrow('NUL')
  })

  test('wildcards', () => {
    expect(['a', 'a*', '\\*', '\\\\*', '[a]', 'a?'].map(hasWildcards)).toEqual([false, true, false, true, true, true])
  })

  test('all directories up to one', () => {
    expect([upTo('/a/b/c'), upTo('/')]).toEqual([['/a', '/a/b', '/a/b/c'], []])
  })

  test('owners', () => {
    expect([ownerWords('a'), ownerWords('a:b')]).toEqual([
      ['a', 'a'],
      ['a', 'b'],
    ])
    expect(() => ownerWords('a:b:c')).toThrow('invalid chown string format: a:b:c')
    const passwd = 'root:x:0:0::/:\nmail:x:8:12:::\nodd:x::1\n'
    expect([idIn(passwd, 'mail', 'user'), idIn(undefined, '77', 'group')]).toEqual([8, 77])
    expect(() => idIn(passwd, 'odd', 'user')).toThrow("can't find uid for user odd: no such user: odd")
  })
})

describe('the cache', () => {
  const config = { Env: ['A=1'], Cmd: ['x'], Labels: { a: '1', b: '2' }, Hostname: 'one' }

  test('passes over names, and what is said of nothing', () => {
    const other = { Cmd: ['x'], Env: ['A=1'], Labels: { b: '2', a: '1' }, Hostname: 'two', Image: 'x', Volumes: null, User: '', Tty: false }
    expect(sameConfig(config, other)).toBe(true)
  })

  test.each([
    { Cmd: ['y'] },
    { Env: ['A=1', 'B=2'] },
    { Labels: { a: '1' } },
    { User: 'x' },
    { Volumes: { '/v': {} } },
    { Healthcheck: { Test: ['NONE'] } },
  ])('%j makes another', (more) => {
    expect(sameConfig(config, { ...config, ...more })).toBe(false)
  })
})

test('stages by name and number', () => {
  const done = [
    { name: 'a', image: undefined },
    { name: '', image: undefined },
  ]
  expect([stageNamed(done, 'A'), stageNamed(done, '1'), stageNamed(done, 'b')]).toEqual([done[0], done[1], undefined])
  expect(() => stageNamed(done, '2')).toThrow('refers to current build stage')
  expect(() => stageNamed(done, '3')).toThrow('index out of bounds')
  expect(() => stageNamed(done, '-1')).toThrow('index out of bounds')
})

test('addresses', () => {
  expect(['http://a', 'https://a', 'ftp://a', 'a'].map(isUrl)).toEqual([true, true, false, false])
  expect(['git://a/b', 'https://a/b.git#x', 'git@a:b', 'github.com/a/b', 'https://a/b.tgz'].map(isGitUrl)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
})

test('credentials by registry', () => {
  const auths = { 'https://index.docker.io/v1/': { username: 'hub' }, 'http://r:5000/v2': { username: 'r' } }
  expect(['docker.io', 'r:5000', 'other'].map((domain) => authFor(auths, domain))).toEqual([{ username: 'hub' }, { username: 'r' }, {}])
})
