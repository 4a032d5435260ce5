import { expect, test } from 'vitest'
import { parseHost, showHost } from '../../../../lib/cli/engine/host.js'

const parse = (text: string, tls = false) => parseHost(text, { tls, socket: '/run/own.sock' })

test.each([
  ['unix:///var/run/docker.sock', 'unix:///var/run/docker.sock'],
  ['unix://', 'unix:///run/own.sock'],
  ['tcp://10.0.0.1', 'tcp://10.0.0.1:2375'],
  ['tcp://10.0.0.1:99/below/', 'tcp://10.0.0.1:99/below'],
  ['tcp://[fd00::1]:2376', 'tcp://[fd00::1]:2376'],
  ['tcp://:7000', 'tcp://localhost:7000'],
  ['tcp://', 'tcp://localhost:2375'],
  ['http://engine', 'tcp://engine:2375'],
  ['https://engine', 'tcp://engine:2376'],
  ['engine:1234', 'tcp://engine:1234'],
  [' engine ', 'tcp://engine:2375'],
  ['ssh://mate@harbour', 'ssh://mate@harbour'],
  ['ssh://harbour:2222/run/other.sock', 'ssh://harbour:2222/run/other.sock'],
  ['ssh://harbour/', 'ssh://harbour'],
])('%s is %s', (text, shown) => {
  expect(showHost(parse(text))).toBe(shown)
})

test('with TLS another port is meant', () => {
  expect(parse('tcp://engine', true)).toEqual({ kind: 'tcp', host: 'engine', port: 2376, path: '' })
})

test.each([
  ['foo://x', 'invalid bind address format: foo://x'],
  ['tcp://a b', 'invalid bind address format: tcp://a b'],
  ['tcp://a:b:c', 'invalid bind address format: tcp://a:b:c'],
  ['tcp://a:99999', 'a port is a number from 1 to 65535'],
  ['npipe:////./pipe/x', 'named pipes are for Windows'],
  ['fd://', 'only a daemon listens there'],
  ['ssh://a:secret@b', 'plain-text password is not supported'],
  ['ssh://', 'no host specified'],
  ['ssh://a?b', 'extra query or fragment'],
  ['ssh://-oProxyCommand=x', 'neither host nor user may begin with a dash'],
  ['ssh://-x@host', 'neither host nor user may begin with a dash'],
])('%s is refused: %s', (text, sentence) => {
  expect(() => parse(text)).toThrow(sentence)
})
