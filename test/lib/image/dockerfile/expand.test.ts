// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
/** Environment replacement. */
import { expect, test } from 'vitest'
import { expand, expandWords, variablesOf } from '../../../../lib/image/dockerfile/index.js'

const variables = variablesOf(['a=one', 'b=two words', 'e=', 'a=again', 'PWD=/x'])

test.each([
  ['plain', 'plain'],
  ['$a', 'one'],
  ['${a}', 'one'],
  ['${a}$a', 'oneone'],
  ['$ab', ''],
  ['$a-b', 'one-b'],
  ['$', '$'],
  ['$$', ''],
  ['$1x', 'x'],
  ['$/x', '$/x'],
  ['\\$a', '$a'],
  ['\\\\$a', '\\one'],
  ["'$a'", '$a'],
  ['"$a \'x\'"', "one 'x'"],
  ['"\\$a \\" \\\\ \\n"', '$a " \\ \\n'],
  ['x"y z"w', 'xy zw'],
  ['a\\', 'a'],
  ['${x:-y}', 'y'],
  ['${a:-y}', 'one'],
  ['${e:-y}', 'y'],
  ['${e-y}', ''],
  ['${x-y}', 'y'],
  ['${x:+y}', ''],
  ['${a:+y}', 'y'],
  ['${e:+y}', ''],
  ['${e+y}', 'y'],
  ['${x:-$a}', 'one'],
  ['${x:-${y:-z}}', 'z'],
  ['${x:-"a}b"}', 'a}b'],
  ['${a:?said}', 'one'],
  ['ü$a', 'üone'],
])('%s is %s', (word, expected) => {
  expect(expand(word, '\\', variables)).toBe(expected)
})

test('another escape character', () => {
  expect(expand('C:\\$a`$a', '`', variables)).toBe('C:\\one$a')
})

test.each([
  ['"1', 'unexpected end of statement while looking for matching double-quote'],
  ["'1", 'unexpected end of statement while looking for matching single-quote'],
  ['${', "syntax error: missing '}'"],
  ['${a:-b', "syntax error: missing '}'"],
  ['${}', 'syntax error: bad substitution'],
  ['${a:x}', 'unsupported modifier (x) in substitution'],
  ['${a#x}', "missing ':' in substitution"],
  ['${x:?must be}', 'x: must be'],
  ['${e:?}', 'e: is not allowed to be empty'],
  ['${x?}', 'x: is not allowed to be unset'],
])('%s cannot be replaced', (word, why) => {
  expect(() => expand(word, '\\', variables)).toThrow(
    expect.objectContaining({ message: `failed to process ${JSON.stringify(word)}: ${why}` }),
  )
})

test('words come of blanks that are not quoted', () => {
  expect(expandWords('$b', '\\', variables)).toEqual(['two', 'words'])
  expect(expandWords('"$b"  x\\ y', '\\', variables)).toEqual(['two words', 'x y'])
  expect(expandWords('$x', '\\', variables)).toEqual([])
})

test('nesting has an end', () => {
  expect(() => expand('${x:-'.repeat(5000), '\\', variables)).toThrow(/nested more than 100 deep/)
})
