/** Patterns of COPY and of .dockerignore. */
import { expect, test } from 'vitest'
import { Glob, Ignore, readIgnore } from '../../../../lib/image/dockerfile/index.js'

test.each([
  ['*.txt', 'a.txt', true],
  ['*.txt', 'd/a.txt', false],
  ['d/*', 'd/a', true],
  ['d/*', 'd/e/a', false],
  ['?b', 'ab', true],
  ['?b', '/b', false],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[\\]]', ']', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a+(b)', 'a+(b)', true],
  ['a*b*c', 'aXbYbZc', true],
  ['**', 'a', true],
  ['', '', true],
])('%s and %s: %s', (pattern, path, expected) => {
  expect(new Glob(pattern).matches(path)).toBe(expected)
})

test.each(['[', '[]', '[a', '[a-]', 'a\\', '[-a]'])('%s is no pattern', (pattern) => {
  expect(() => new Glob(pattern)).toThrow('syntax error in pattern')
})

test('a pattern that is made for it takes no longer than others', () => {
  expect(new Glob(`${'**/'.repeat(50)}x`, { deep: true }).matches(`${'a/'.repeat(2000)}b`)).toBe(false)
  expect(new Glob(`${'*a'.repeat(200)}b`).matches('a'.repeat(3000))).toBe(false)
})

test('a file of patterns', () => {
  expect(readIgnore('\uFEFF# comment\n\n  a/ \n!b\n/c\n./d/../e\n! /f \n #g\n')).toEqual(['a', '!b', 'c', 'e', '!f', '#g'])
})

test.each([
  [['*.log', '!keep.log'], { 'a.log': true, 'keep.log': false, 'in/a.log': false }],
  [['**/*.log'], { 'a.log': true, 'in/deep/a.log': true }],
  [['node_modules'], { node_modules: true, 'node_modules/x/y': true, 'in/node_modules': false }],
  [['**/deep/**'], { 'in/deep/file': true, 'in/deep': false, 'deep/x': true }],
  [['*', '!sub', 'sub/b'], { sub: false, 'sub/a': false, 'sub/b': true, other: true }],
  [['*/*/third'], { 'one/two/third': true, 'one/third': false }],
  [['constructor'], { constructor: true, toString: false }],
])('%j', (patterns, expected) => {
  const ignore = new Ignore(patterns)
  expect(Object.fromEntries(Object.keys(expected).map((path) => [path, ignore.ignores(path)]))).toEqual(expected)
})

test('a directory that is left out is looked into for what begins with its name', () => {
  const ignore = new Ignore(['*', '!in/deep', '!**/third'])
  expect(['in', 'in/deep', 'one'].map((path) => ignore.goesInto(path))).toEqual([true, true, false])
})

test('an exception of nothing', () => {
  expect(() => new Ignore(['!'])).toThrow('illegal exclusion pattern: "!"')
})
