import { describe, expect, it } from 'vitest'
import {
  canonical,
  canonicalName,
  familiar,
  familiarName,
  parseAnyReference,
  parseDigest,
  parseDomain,
  parseReference,
  withDefaultTag,
  withDigest,
  withoutTag,
  withTag,
} from '../../../lib/image/reference.js'

const HEX = 'dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c'
const DIGEST = `sha256:${HEX}` as const

describe('parseReference', () => {
  it.each([
    ['ubuntu', 'docker.io', 'library/ubuntu', 'ubuntu'],
    ['library/ubuntu', 'docker.io', 'library/ubuntu', 'ubuntu'],
    ['docker.io/ubuntu', 'docker.io', 'library/ubuntu', 'ubuntu'],
    ['index.docker.io/ubuntu', 'docker.io', 'library/ubuntu', 'ubuntu'],
    ['index.docker.io/library/ubuntu', 'docker.io', 'library/ubuntu', 'ubuntu'],
    ['docker.io/library/foo/bar', 'docker.io', 'library/foo/bar', 'library/foo/bar'],
    ['store/foo/bar', 'docker.io', 'store/foo/bar', 'store/foo/bar'],
    ['nonlibrary/ubuntu', 'docker.io', 'nonlibrary/ubuntu', 'nonlibrary/ubuntu'],
    ['test_com/foo', 'docker.io', 'test_com/foo', 'test_com/foo'],
    ['localhost/foo', 'localhost', 'foo', 'localhost/foo'],
    ['localhost:5000/foo', 'localhost:5000', 'foo', 'localhost:5000/foo'],
    ['test-com:8080/foo', 'test-com:8080', 'foo', 'test-com:8080/foo'],
    ['127.0.0.1:5000/library/debian', '127.0.0.1:5000', 'library/debian', '127.0.0.1:5000/library/debian'],
    ['[fc00::1]:5000/docker', '[fc00::1]:5000', 'docker', '[fc00::1]:5000/docker'],
    ['xn--n3h.com:18080/foo', 'xn--n3h.com:18080', 'foo', 'xn--n3h.com:18080/foo'],
    ['Foo/bar', 'Foo', 'bar', 'Foo/bar'],
    ['docker---rules/dock__er', 'docker.io', 'docker---rules/dock__er', 'docker---rules/dock__er'],
    ['192.168.0.1', 'docker.io', 'library/192.168.0.1', '192.168.0.1'],
    [`docker.io/${HEX}`, 'docker.io', `library/${HEX}`, HEX],
  ])('reads %s', (word, domain, path, short) => {
    const reference = parseReference(word)
    expect(reference).toEqual({ domain, path })
    expect(canonicalName(reference)).toBe(`${domain}/${path}`)
    expect(familiarName(reference)).toBe(short)
  })

  it('reads tag and digest', () => {
    expect(parseReference('192.168.0.1:80')).toEqual({ domain: 'docker.io', path: 'library/192.168.0.1', tag: '80' })
    expect(parseReference('ubuntu:24.04')).toEqual({ domain: 'docker.io', path: 'library/ubuntu', tag: '24.04' })
    expect(parseReference(`a.b/c@${DIGEST}`)).toEqual({ domain: 'a.b', path: 'c', digest: DIGEST })
    const both = parseReference(`busybox:latest@${DIGEST}`)
    expect(canonical(both)).toBe(`docker.io/library/busybox:latest@${DIGEST}`)
    expect(familiar(both)).toBe(`busybox:latest@${DIGEST}`)
    expect(parseReference(`ubuntu:${'t'.repeat(128)}`).tag).toHaveLength(128)
  })

  const SONG = 'this_is_not_a_valid_namespace_because_its_length_is_greater_than_255_'
  it.each([
    ['', 'invalid reference format'],
    ['https://github.com/docker/docker', 'invalid reference format'],
    ['-docker', 'invalid reference format'],
    ['docker///docker', 'invalid reference format'],
    ['docker/', 'invalid reference format'],
    ['[fc00::1]', 'invalid reference format'],
    ['[fc00::1]:5000', 'invalid reference format'],
    ['fc00::1:5000/debian', 'invalid reference format'],
    ['[fe80::1%eth0]:5000/debian', 'invalid reference format'],
    ['dock..er/docker', 'invalid reference format'],
    ['dock-.er/docker', 'invalid reference format'],
    ['____/____', 'invalid reference format'],
    ['ubuntu:', 'invalid reference format'],
    ['ubuntu:-a', 'invalid reference format'],
    [`ubuntu:${'t'.repeat(129)}`, 'invalid reference format'],
    ['ubuntu:24.04\n', 'invalid reference format'],
    ['ubuntu@sha256:12', 'invalid reference format'],
    [`${SONG.repeat(4)}x/docker`, 'repository name must not be more than 255 characters'],
    ['Ubuntu', 'invalid reference format: repository name (library/Ubuntu) must be lowercase'],
    ['docker/Docker:Latest', 'invalid reference format: repository name (docker/Docker) must be lowercase'],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    [`ubuntu@sha256:${HEX.slice(2)}`, 'invalid checksum digest length'],
    [`ubuntu@sha256:${HEX.toUpperCase()}`, 'invalid checksum digest format'],
    [`ubuntu@md5:${HEX.slice(32)}`, 'unsupported digest algorithm'],
  ])('refuses %j', (word, message) => {
    expect(() => parseReference(word)).toThrow(expect.objectContaining({ message, status: 400 }))
  })

  it('takes no time over long nonsense', () => {
    const before = process.cpuUsage()
    for (const word of [
      'a-'.repeat(50_000),
      'a.'.repeat(50_000),
      `${'a'.repeat(100_000)}!`,
      `a.b/${'a__'.repeat(50_000)}`,
      `a.b/${'-'.repeat(100_000)}`,
    ])
      expect(() => parseReference(word)).toThrow()
    // Its own time, in microseconds: that of others on the machine is none of it.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
  })
})

describe('a reference', () => {
  it('is completed and changed', () => {
    const ubuntu = parseReference('ubuntu')
    expect(familiar(withDefaultTag(ubuntu))).toBe('ubuntu:latest')
    expect(withDefaultTag(withDigest(ubuntu, DIGEST))).toEqual({ ...ubuntu, digest: DIGEST })
    expect(familiar(withTag(ubuntu, '22.04'))).toBe('ubuntu:22.04')
    expect(() => withTag(ubuntu, '-foo')).toThrow('invalid tag format')
    expect(withoutTag(parseReference(`ubuntu:1@${DIGEST}`))).toEqual(ubuntu)
  })

  it('may be an id', () => {
    expect(parseAnyReference(HEX)).toBe(DIGEST)
    expect(parseAnyReference(DIGEST)).toBe(DIGEST)
    expect(parseAnyReference(HEX.slice(1))).toMatchObject({ path: `library/${HEX.slice(1)}` })
    expect(() => parseDigest('foo')).toThrow('invalid checksum digest format')
  })

  it('has a domain that is typed alone for login', () => {
    for (const word of ['', 'docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io']) expect(parseDomain(word)).toBe('docker.io')
    expect(parseDomain('https://localhost:5000/v2/')).toBe('localhost:5000')
    expect(() => parseDomain('user@example.com')).toThrow('invalid registry host (user@example.com)')
  })
})
