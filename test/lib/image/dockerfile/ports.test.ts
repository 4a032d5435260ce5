import { expect, test } from 'vitest'
import { exposedPorts } from '../../../../lib/image/dockerfile/index.js'

test.each([
  ['80', ['80/tcp']],
  ['53/UDP', ['53/udp']],
  ['8000-8002', ['8000/tcp', '8001/tcp', '8002/tcp']],
  ['127.0.0.1:80:8080/sctp', ['8080/sctp']],
])('EXPOSE %s', (word, expected) => {
  expect(exposedPorts(word)).toEqual(expected)
})

test.each([
  ['what', 'Invalid containerPort: what'],
  ['70000', 'Invalid containerPort: 70000'],
  ['90-80', 'Invalid containerPort: 90-80'],
  ['80/what', 'Invalid proto: what'],
  ['', 'No port specified: <empty>'],
])('EXPOSE %j is refused', (word, why) => {
  expect(() => exposedPorts(word)).toThrow(why)
})
