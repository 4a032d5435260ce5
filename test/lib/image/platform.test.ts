import { describe, expect, it } from 'vitest'
import { choosePlatform, matches, ownPlatform, parsePlatform, showPlatform } from '../../../lib/image/platform.js'
import type { Descriptor } from '../../../lib/image/types.js'

const entry = (word: string | undefined, index: number): Descriptor => {
  const [os = '', architecture = '', variant] = word?.split('/') ?? []
  const platform = word === undefined ? undefined : { os, architecture, ...(variant && { variant }) }
  return { mediaType: 'm', digest: `sha256:${String(index).repeat(64)}`, size: index, ...(platform && { platform }) }
}
const chosen = (machine: string, ...words: (string | undefined)[]) => words[choosePlatform(words.map(entry), parsePlatform(machine)).size]

describe('a platform', () => {
  it('is read in Docker’s spellings', () => {
    expect(
      ['linux/amd64', 'x86_64', 'linux/aarch64', 'linux/arm/v6', 'linux/arm/7', 'armhf', 'armel', 'linux/arm', 'LINUX/ARM64/V8'].map(
        (word) => showPlatform(parsePlatform(word)),
      ),
    ).toEqual([
      'linux/amd64',
      'linux/amd64',
      'linux/arm64',
      'linux/arm/v6',
      'linux/arm/v7',
      'linux/arm/v7',
      'linux/arm/v6',
      'linux/arm/v7',
      'linux/arm64/v8',
    ])
    expect(parsePlatform('linux')).toEqual(ownPlatform())
    expect(() => parsePlatform('linux/amd64/v1/x')).toThrow('unknown operating system or architecture')
    expect(() => parsePlatform('')).toThrow('unknown operating system or architecture')
  })

  it('of this machine is in Go’s words', () => {
    expect(['x64', 'arm64', 'arm', 'ia32', 's390x'].map((arch) => showPlatform(ownPlatform(arch)))).toEqual([
      'linux/amd64',
      'linux/arm64/v8',
      'linux/arm/v7',
      'linux/386',
      'linux/s390x',
    ])
  })
})

describe('of several images', () => {
  it('the one that was made for the machine is taken', () => {
    expect(chosen('linux/amd64', 'linux/arm64', 'linux/amd64')).toBe('linux/amd64')
    expect(chosen('linux/arm64', 'linux/amd64', 'linux/arm64/v8')).toBe('linux/arm64/v8')
    expect(chosen('linux/arm64/v8', 'linux/amd64', 'linux/arm64')).toBe('linux/arm64')
  })

  it('or the newest that it runs: an older variant, 32 bits on 64', () => {
    expect(chosen('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8')).toBe('linux/arm/v6')
    expect(chosen('linux/arm64', 'linux/arm/v6', 'linux/arm/v7')).toBe('linux/arm/v7')
    expect(chosen('linux/amd64', 'linux/386')).toBe('linux/386')
    expect(chosen('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4')).toBe('linux/amd64/v2')
  })

  it('and one that does not say for what it is, when there is no other', () => {
    expect(chosen('linux/amd64', undefined, 'linux/amd64')).toBe('linux/amd64')
    expect(chosen('linux/amd64', undefined, 'linux/arm64')).toBe(undefined)
  })

  it('none is Docker’s error', () => {
    expect(() => chosen('linux/arm/v6', 'linux/arm/v7', 'unknown/unknown', 'windows/amd64')).toThrow(
      'no matching manifest for linux/arm/v6 in the manifest list entries',
    )
  })

  it('those for another system never match', () => {
    expect(matches({ os: 'windows', architecture: 'amd64' }, ownPlatform('x64'))).toBe(false)
  })
})
