import { describe, expect, it } from 'vitest'
import { ownDistribution, reason } from '../../../lib/classroom/apt.js'
import { parseListen, showListen, urlOf } from '../../../lib/classroom/server.js'

describe('this machine’s distribution', () => {
  it('is read from os-release, quoted or not', () => {
    const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
    expect(ownDistribution(text)).toEqual({ id: 'debian', codename: 'bookworm' })
    expect(ownDistribution('ID="ubuntu"\nVERSION_CODENAME=noble\n')).toEqual({ id: 'ubuntu', codename: 'noble' })
    expect(ownDistribution('ID=fedora\n')).toBeUndefined()
  })
})

describe('what apt complains of', () => {
  it('is the lines with E: and Err:', () => {
    const text = 'Err:1 http://mirror.test/debian bookworm InRelease\n  Could not connect\nW: some warning\nE: Failed to fetch it\n'
    expect(reason(text)).toBe('Err:1 http://mirror.test/debian bookworm InRelease; E: Failed to fetch it')
    expect(reason('first\nlast\n')).toBe('last')
  })
})

describe('a place to listen', () => {
  it.each([
    ['127.0.0.1:5000', '127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['0.0.0.0:80', '0.0.0.0:80', 'http://127.0.0.1:80'],
    [':5000', '0.0.0.0:5000', 'http://127.0.0.1:5000'],
    ['[::1]:5000', '[::1]:5000', 'http://[::1]:5000'],
    ['[::]:5000', '[::]:5000', 'http://[::1]:5000'],
    ['192.0.2.7:5000', '192.0.2.7:5000', 'http://192.0.2.7:5000'],
  ])('%s is understood', (words, shown, url) => {
    const listen = parseListen(words)
    expect([showListen(listen), urlOf(listen)]).toEqual([shown, url])
  })

  it.each(['', '5000', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', 'http://127.0.0.1:5000', '::1:5000', 'a b:1'])(
    '%s is none',
    (words) => {
      expect(() => parseListen(words)).toThrow(`'${words}' is no place to listen`)
    },
  )
})
