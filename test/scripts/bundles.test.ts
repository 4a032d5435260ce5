import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { ALONE } from '../../lib/cli/alone.js'
import { GROUPS, TOP } from '../../lib/cli/client/shelf.js'

interface Bundle {
  readonly entry: string
  readonly without?: readonly string[]
}
const { BUNDLES, bundleOf } = createRequire(import.meta.url)('../../scripts/bundles.cjs') as {
  BUNDLES: Readonly<Record<string, Bundle>>
  bundleOf(argv: readonly string[], environment?: Readonly<Record<string, string>>): { name: string; alone: boolean }
}

const DRYDOCK = fileURLToPath(new URL('../../scripts/drydock.cjs', import.meta.url))

const chosen = (words: string, environment = {}) => bundleOf(words.split(' ').filter(Boolean), environment).name

describe('which bundle a call has', () => {
  it.each([
    ['run --rm busybox true', 'run'],
    ['-H unix:///run/d.sock -D run busybox', 'run'],
    ['run --rm host true', 'client'],
    ['run host:latest', 'client'],
    ['run docker.io/library/host', 'client'],
    ['--host=tcp://a:1 ps', 'client'],
    ['container run busybox', 'client'],
    ['', 'client'],
    ['--no-engine run --rootfs / sh', 'alone'],
    ['--no-engine ps -a', 'alone'],
    ['-D daemon --tls', 'daemon'],
    ['view --list', 'view'],
  ])('%j: its own, which is small: %s', (words, name) => expect(chosen(words)).toBe(name))

  it.each([
    ['run --step busybox sh'],
    ['container run --explain=true busybox'],
    ['run --trace busybox'],
    ['run --record --step busybox'],
    ['run --rootfs /tmp sh'],
    ['--no-engine run --step busybox'],
    ['--no-engine pull busybox'],
    ['--no-engine'],
    ['tls --help'],
    // Not as most write it.
    ['--no-engine=false run busybox'],
    ['-DH tls tls'],
    ['-H=tls tls'],
    ['-- run'],
    ['--help'],
  ])('%j: the one with everything', (words) => expect(chosen(words)).toBe('main'))

  it('is not misled by the words of flags', () => {
    expect(bundleOf(['-H', '--no-engine', 'run'], {})).toEqual({ name: 'run', alone: false })
    expect(bundleOf(['run', 'busybox', '--no-engine'], {})).toEqual({ name: 'run', alone: false })
  })

  it('is without an engine where the environment says so', () => {
    expect(chosen('run busybox', { DRYDOCK_ENGINE: 'none' })).toBe('alone')
    expect(chosen('images', { DRYDOCK_ENGINE: 'none' })).toBe('main')
  })
})

it('lacks modules that there are', () => {
  for (const { without = [] } of Object.values(BUNDLES))
    for (const module of without) expect(existsSync(new URL(`../../lib/cli/${module}.ts`, import.meta.url)), module).toBe(true)
})

/** The help of a verb loads its module. */
describe('no call lacks a module of its bundle', () => {
  const calls = [
    ...Object.keys(ALONE).map((verb) => ['--no-engine', verb]),
    ...['run', 'create', 'build'].filter((verb) => Object.hasOwn(TOP, verb)).map((verb) => [verb]),
    ...Object.keys(GROUPS).map((group) => [group]),
    [],
    ['--no-engine', 'run', '--step'],
    ['run', '--step'],
    ['tls'],
  ]
  it.each(calls.map((call) => ({ words: call.join(' ') })))('drydock $words --help', async ({ words }) => {
    const { exitCode, stdout } = await execa(process.execPath, [DRYDOCK, ...words.split(' ').filter(Boolean), '--help'], {
      reject: false,
      env: { DRYDOCK_ENGINE: '' },
    })
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^Usage:/i) })
  })
})
