/** Dockerfiles as text: what is right, and what is wrong in docker's words. Those of the recorded session are held against what Docker's daemon has said. */
import { expect, test } from 'vitest'
import { parseDockerfile, parseTrigger } from '../../../../lib/image/dockerfile/index.js'
import { wrong } from '../../../e2e/build/dockerfiles.js'
import { readRecording } from '../../../e2e/engine/recordings.js'

const commands = (text: string) => parseDockerfile(text).stages.flatMap((stage) => stage.commands)
const codes = (text: string) => commands(text).map(({ code }) => code)

test('lines are joined, comments and empty lines are gone', () => {
  const text = 'FROM a\nRUN one \\\n  # between\n\n  && two\\ \n\t&& three\n\n# last\n  run   four  \nRUN five \\'
  expect(codes(text)).toEqual(['RUN one   && two\t&& three', 'run   four', 'RUN five'])
  expect(parseDockerfile(text).warnings).toEqual([
    '[WARNING]: Empty continuation line found in:\n    RUN one   && two\t&& three',
    '[WARNING]: Empty continuation lines will become errors in a future release.',
  ])
})

test('the escape character is what the first lines say', () => {
  expect(parseDockerfile('# syntax=x\n# Escape = `\nFROM a\nRUN b `\n c\\').token).toBe('`')
  expect(codes('# escape=`\nFROM a\nRUN b `\n c\\\n')).toEqual(['RUN b  c\\'])
  expect(parseDockerfile('# a comment\n# escape=`\nFROM a\n').token).toBe('\\')
  expect(parseDockerfile('\n# escape=`\nFROM a\n').token).toBe('\\')
})

test('a mark of byte order and line ends of Windows are no part of it', () => {
  expect(codes('\uFEFFFROM a\r\nENV b=c \\\r\n d=e\r\n')).toEqual(['ENV b=c  d=e'])
})

test('stages', () => {
  const { meta, stages } = parseDockerfile('ARG A=1\nFROM a AS One\nUSER x\nfrom --platform=linux/arm64 b as two\nFROM scratch')
  expect(meta.map(({ args }) => args)).toEqual([[{ name: 'A', value: '1' }]])
  expect(stages.map(({ base, name, platform, commands: own }) => [base, name, platform, own.length])).toEqual([
    ['a', 'one', '', 1],
    ['b', 'two', 'linux/arm64', 0],
    ['scratch', '', '', 0],
  ])
})

test.each([
  [
    'ENV a=1 b="2 3" c=4\\ 5',
    {
      kind: 'env',
      pairs: [
        { name: 'a', value: '1' },
        { name: 'b', value: '"2 3"' },
        { name: 'c', value: '4\\ 5' },
      ],
    },
  ],
  ['ENV a the  rest', { kind: 'env', pairs: [{ name: 'a', value: 'the  rest' }] }],
  ['LABEL "a b"=c', { kind: 'label', pairs: [{ name: '"a b"', value: 'c' }] }],
  ['ARG a b=', { kind: 'arg', args: [{ name: 'a' }, { name: 'b', value: '' }] }],
  [
    'COPY --from=x --chown=a:b c d e/',
    { kind: 'copy', from: 'x', copying: { sources: ['c', 'd'], destination: 'e/', chown: 'a:b', chmod: '' } },
  ],
  ['ADD ["a b", "c"]', { kind: 'add', copying: { sources: ['a b'], destination: 'c', chown: '', chmod: '' } }],
  ['EXPOSE 80 53/udp', { kind: 'expose', ports: ['53/udp', '80'] }],
  ['VOLUME ["/a b"]', { kind: 'volume', paths: ['/a b'] }],
  ['CMD ["a", "b"]', { kind: 'cmd', line: { words: ['a', 'b'], shell: false } }],
  ['CMD a  b', { kind: 'cmd', line: { words: ['a  b'], shell: true } }],
  ['CMD ["a", b]', { kind: 'cmd', line: { words: ['["a", b]'], shell: true } }],
  ['CMD', { kind: 'cmd', line: { words: [], shell: true } }],
  ['ENTRYPOINT []', { kind: 'entrypoint', line: { words: [], shell: false } }],
  ['ONBUILD  RUN a', { kind: 'onbuild', expression: 'RUN a' }],
  ['SHELL ["a"]', { kind: 'shell', words: ['a'] }],
  ['MAINTAINER a b <c>', { kind: 'maintainer', text: 'a b <c>' }],
  ['HEALTHCHECK NONE', { kind: 'healthcheck', health: { Test: ['NONE'] } }],
  [
    'HEALTHCHECK --interval=1m30s --retries=2 CMD a b',
    { kind: 'healthcheck', health: { Test: ['CMD-SHELL', 'a b'], Interval: 90e9, Timeout: 0, StartPeriod: 0, Retries: 2 } },
  ],
])('%s', (line, expected) => {
  expect(commands(`FROM a\n${line}\n`)).toEqual([{ ...expected, code: line }])
})

test('a trigger is one instruction', () => {
  expect(parseTrigger('RUN a').command).toMatchObject({ kind: 'run', code: 'RUN a' })
  expect(() => parseTrigger('RUN a\nRUN b')).toThrow('onbuild trigger should be a single expression')
  expect(() => parseTrigger('BLAH')).toThrow('unknown instruction: BLAH')
})

test('an empty file, and one with another name', () => {
  expect(() => parseDockerfile('', 'sub/D')).toThrow('the Dockerfile (sub/D) cannot be empty')
  expect(() => parseDockerfile('# nothing\n', 'sub/D')).toThrow('failed to parse sub/D: file with no instructions')
})

test('as many instructions in each other as a line holds', () => {
  expect(() => parseDockerfile(`FROM a\n${'ONBUILD '.repeat(8000)}`)).toThrow("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
})

const PREFIX = 'Error response from daemon: '
const recorded = readRecording('28.2.2', new URL('../../../e2e/build', import.meta.url).pathname)?.['wrong words']

test.each(wrong.map((text, index) => [text.slice(0, 60), text, recorded?.commands[index]] as const))('%j', (_, text, command) => {
  if (!command) throw new Error('nobody has recorded it')
  const said = command.stderr.find((line) => line.startsWith(PREFIX))
  // What is wrong with the others shows when their turn comes.
  if (said === undefined) expect(() => parseDockerfile(text)).not.toThrow()
  else expect(() => parseDockerfile(text)).toThrow(expect.objectContaining({ message: said.slice(PREFIX.length) }))
})
