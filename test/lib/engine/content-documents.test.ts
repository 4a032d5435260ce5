/** Small things of what an engine tells and takes: names of images without one, merged configurations, the system's name, credentials. */
import { describe, expect, test } from 'vitest'
import { summaryWithNone, unixTime } from '../../../lib/engine/image/documents.js'
import { credentialsOf, named, nameOfNew } from '../../../lib/engine/image/repository.js'
import { osRelease } from '../../../lib/engine/system/machine.js'
import { volumesIn } from '../../../lib/engine/volume/index.js'
import { localOptions } from '../../../lib/engine/volume/options.js'
import { mergeConfig } from '../../../lib/image/merge-config.js'
import { familiar } from '../../../lib/image/reference.js'
import { specOf } from '../../support/spec.js'

test('times are seconds; none is Go’s zero', () => {
  expect([unixTime('1970-01-01T00:01:00.9Z'), unixTime('')]).toEqual([60, -62135596800])
})

test('before 1.43 an image without a name says so', () => {
  expect(summaryWithNone({ RepoTags: [], RepoDigests: [] })).toEqual({ RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] })
  const told = { RepoTags: ['a:b'], RepoDigests: [] }
  expect(summaryWithNone(told)).toBe(told)
})

describe('a configuration on top of a container’s', () => {
  const own = { User: 'mate', Env: ['A=1', 'B=2'], Cmd: ['sail'], Labels: { a: '1' }, WorkingDir: '/w' }

  test('says nothing where it is empty', () => {
    expect(mergeConfig(own, { User: '', Env: null, Cmd: [], Labels: {}, Hostname: 'x', Image: 'y' })).toEqual(own)
  })

  test('counts where it says something; variables and maps are joined', () => {
    expect(mergeConfig(own, { User: 'root', Env: ['B=3', 'C=4'], Labels: { b: '2' }, ExposedPorts: { '80/tcp': {} } })).toEqual({
      ...own,
      User: 'root',
      Env: ['B=3', 'C=4', 'A=1'],
      Labels: { a: '1', b: '2' },
      ExposedPorts: { '80/tcp': {} },
    })
  })

  test('an entrypoint takes the arguments of another one away', () => {
    expect(mergeConfig(own, { Entrypoint: ['e'] })).toMatchObject({ Entrypoint: ['e'] })
    expect(mergeConfig(own, { Entrypoint: ['e'] })).not.toHaveProperty('Cmd')
    expect(mergeConfig(own, { Entrypoint: ['e'], Cmd: ['c'] })).toMatchObject({ Entrypoint: ['e'], Cmd: ['c'] })
  })
})

describe('names', () => {
  const digest = `sha256:${'a'.repeat(64)}`

  test('what the query says of tag or digest counts before what the name has', () => {
    const shown = (name: string, tag?: string) => familiar(named(name, tag))
    expect([shown('docker.io/library/box'), shown('box:v1'), shown('box:v1', 'v2'), shown('box:v1', '')]).toEqual([
      'box',
      'box:v1',
      'box:v2',
      'box:v1',
    ])
    expect(shown('box:v1', digest)).toBe(`box@${digest}`)
    expect(() => named('box', 'a b')).toThrow('invalid tag format')
    expect(nameOfNew('', 'x')).toBeUndefined()
    expect(() => nameOfNew('box', digest)).toThrow('cannot import digest reference')
  })

  test('of who is at a registry', () => {
    expect(credentialsOf({})).toBeUndefined()
    expect(credentialsOf({ username: 'mate' })).toEqual({ username: 'mate', password: '' })
    expect(credentialsOf({ username: 'mate', password: 'p', identitytoken: 't', registrytoken: 'r' })).toEqual({
      username: 'mate',
      password: 'p',
      identityToken: 't',
      registryToken: 'r',
    })
  })
})

test('os-release is quoted as a shell has it', () => {
  expect(osRelease('PRETTY_NAME="A \\"B\\" 1"\nID=x\n# VERSION_ID=2\nVERSION_ID=\'3\'\n')).toEqual({
    PRETTY_NAME: 'A "B" 1',
    ID: 'x',
    VERSION_ID: '3',
  })
})

test('of the local driver’s options a directory of the host is what can be had', () => {
  expect(localOptions('v', {})).toBeUndefined()
  expect(localOptions('v', { type: 'none', o: 'rw,bind', device: '/a/../b' })).toEqual({ kind: 'bind', path: '/b', readOnly: false })
  expect(localOptions('v', { type: '', o: 'rbind,ro', device: '/b' })).toEqual({ kind: 'bind', path: '/b', readOnly: true })
  expect(localOptions('v', { type: 'tmpfs', o: 'size=1m,noexec,ro', device: 'tmpfs' })).toEqual({
    kind: 'memory',
    options: ['size=1m', 'noexec'],
    readOnly: true,
  })
  expect(() => localOptions('v', { type: 'tmpfs', o: 'junk=1', device: 'tmpfs' })).toThrow("create v: a tmpfs has no option 'junk=1'")
  expect(() => localOptions('v', { type: 'tmpfs', o: 'size=1m' })).toThrow('create v: missing required option: "device"')
  expect(() => localOptions('v', { type: 'none', o: 'bind', device: 'b' })).toThrow('create v: the device of a bind is an absolute path')
  expect(() => localOptions('v', { type: 'nfs', o: 'addr=1', device: ':/x' })).toThrow('create v: a volume of type nfs is not supported')
})

test('volumes of a container are known by where they are', () => {
  const spec = specOf({ layers: ['/l'], argv: ['true'] })
  const mounts = [
    { kind: 'bind' as const, source: '/data/volumes/hold/_data', target: '/h', readOnly: true },
    { kind: 'bind' as const, source: '/data/volumes/own/_data', target: '/o' },
    { kind: 'bind' as const, source: '/etc/_data', target: '/e' },
    { kind: 'tmpfs' as const, target: '/t' },
  ]
  expect(volumesIn({ spec: { ...spec, mounts, ownVolumes: ['/data/volumes/own'] } })).toEqual([
    { name: 'hold', source: '/data/volumes/hold/_data', destination: '/h', readOnly: true, propagation: '', own: false },
    { name: 'own', source: '/data/volumes/own/_data', destination: '/o', readOnly: false, propagation: '', own: true },
  ])
})
