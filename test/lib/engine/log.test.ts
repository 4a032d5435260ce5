/** What is asked of a container's log, and what stands in each entry of it. */
import { describe, expect, test } from 'vitest'
import { type LogOwner, logAttributes, logOf } from '../../../lib/engine/request/log.js'

const asked = (Type: string, Config: Record<string, string> = {}) => logOf({ LogConfig: { Type, Config } })
const owner: LogOwner = {
  id: '0123456789abcdef',
  name: 'boat',
  imageId: 'sha256:abcdef0123456789',
  imageName: 'box',
  argv: ['sh', '-c', 'x'],
  env: ['A=1', 'AB=2', 'C=<3>'],
  labels: { one: '1', two: '2', three: '\u2028' },
}

test('each driver with its own usual sizes and units', () => {
  expect(asked('')).toEqual({ driver: 'json-file' })
  expect(asked('json-file', { 'max-size': '1k', 'max-file': '3' })).toEqual({ driver: 'json-file', maxSize: 1000, maxFiles: 3 })
  expect(asked('json-file', { 'max-size': '-1', compress: 'false', mode: 'blocking' })).toEqual({ driver: 'json-file' })
  expect(asked('local')).toEqual({ driver: 'local', maxSize: 20 * 1024 * 1024, maxFiles: 5 })
  expect(asked('local', { 'max-size': '1k', mode: 'non-blocking', 'max-buffer-size': '4m' })).toMatchObject({ maxSize: 1024, maxFiles: 5 })
  expect(asked('none', { anything: 'goes' })).toEqual({ driver: 'none' })
})

describe('refused, each by its name', () => {
  test.each<[string, Record<string, string>, string]>([
    ['syslog', {}, "no log driver named 'syslog' is registered"],
    ['local', { size: '1' }, "unknown log opt 'size' for log driver local"],
    ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
    ['json-file', { 'max-size': 'much' }, "invalid size: 'much'"],
    ['json-file', { 'max-size': '5g' }, 'max-size is 4 GiB at most'],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { 'max-file': 'x' }, 'max-file must be a number'],
    ['json-file', { compress: 'true' }, 'compress=true is not supported'],
    ['json-file', { compress: 'maybe' }, 'invalid syntax'],
    ['json-file', { mode: 'slow' }, 'logging mode not supported: slow'],
    ['json-file', { 'max-buffer-size': '1m' }, "only supported with 'mode=non-blocking'"],
    ['json-file', { 'env-regex': '(' }, 'no regular expression'],
    ['json-file', { tag: '{{.Nothing}}' }, '{{.Nothing}} is none of them'],
  ])('%s %j', (type, config, sentence) => {
    expect(() => asked(type, config)).toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining(sentence) }))
  })
})

test('what stands in an entry: by name, by pattern, by template, in order and as Go writes it', () => {
  const attributes = (config: Record<string, string>) => logAttributes(asked('json-file', config), owner)
  expect(attributes({})).toBeUndefined()
  expect(attributes({ labels: 'none' })).toBeUndefined()
  expect(attributes({ labels: 'two,one', env: 'C' })).toBe('{"C":"\\u003c3\\u003e","one":"1","two":"2"}')
  expect(attributes({ labels: 'one', 'labels-regex': '^th', 'env-regex': '^A' })).toBe('{"A":"1","AB":"2","one":"1","three":"\\u2028"}')
  // As docker has it.
  expect(attributes({ 'labels-regex': '^th' })).toBeUndefined()
  expect(attributes({ tag: '{{.ImageName}}/{{ .Name }}/{{.ID}}/{{.ImageID}}: {{.Command}}' })).toBe(
    '{"tag":"box/boat/0123456789ab/sha256:abcde: sh -c x"}',
  )
  expect(() => logAttributes(asked('local', { env: 'A' }), { ...owner, env: [`A=${'x'.repeat(17000)}`] })).toThrow('16384 bytes at most')
})
