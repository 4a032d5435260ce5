/** Completion in the shells themselves, with an engine that only tells names. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, test as always, beforeAll, describe, expect } from 'vitest'
import { tables } from '../../../../lib/cli/client/completion/tables.js'
import { DRYDOCK } from '../../../support/private-host.js'
import { type Answer, type Recorder, record } from '../../../support/recorder.js'
import { requires } from '../../../support/requires.js'
import { TerminalSession } from '../../../support/terminal.js'

const NAMES: Answer = ({ path, query }) => {
  const containers = [{ Names: ['/gannet'] }, ...(query.all ? [{ Names: ['/heron', '/gannet/heron'] }] : [])]
  const bodies: Record<string, unknown> = {
    '/containers/json': containers,
    '/images/json': [{ RepoTags: ['harbour/box:v1', 'harbour/box:v2'] }, { RepoTags: null }],
    '/networks': [{ Name: 'quay' }, { Name: 'bridge' }],
    '/volumes': { Volumes: [{ Name: 'store' }] },
  }
  return { status: 200, body: bodies[path] ?? {} }
}

let place = ''
let engine: Recorder
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'completion-'))
  engine = await record(join(place, 'engine.sock'), '1.47', NAMES)
  writeFileSync(join(place, 'drydock'), `#!/bin/sh\nexec '${process.execPath}' '${DRYDOCK}' "$@"\n`)
  chmodSync(join(place, 'drydock'), 0o755)
  env = {
    ...process.env,
    PATH: `${place}:${process.env.PATH}`,
    HOME: place,
    ZDOTDIR: place,
    DOCKER_HOST: `unix://${join(place, 'engine.sock')}`,
    DRYDOCK_ENGINE: undefined,
  }
  for (const [shell, file] of [
    ['bash', 'drydock.bash'],
    ['zsh', '_drydock'],
    ['fish', 'drydock.fish'],
  ] as const)
    writeFileSync(join(place, file), (await execa(join(place, 'drydock'), ['completion', shell], { env, extendEnv: false })).stdout)
})

afterAll(async () => {
  await engine.close()
  rmSync(place, { recursive: true })
})

/** What is typed, with a tab behind, and what it becomes. */
const WHOLE: readonly (readonly [string, string])[] = [
  ['drydock unp', 'drydock unpause '],
  ['drydock exec g', 'drydock exec gannet '],
  ['drydock rm -f h', 'drydock rm -f heron '],
  ['drydock run --network-a', 'drydock run --network-alias'],
  ['drydock run -it --network q', 'drydock run -it --network quay '],
  // Two of them: a bell rings before what both begin with.
  ['drydock run h', 'arbour/box:v'],
  ['drydock network connect quay he', 'drydock network connect quay heron '],
  ['drydock volume rm s', 'drydock volume rm store '],
  ['drydock container ls --forma', 'drydock container ls --format'],
]

describe('bash', () => {
  requires('command:bash')('completes what is typed', async () => {
    const session = new TerminalSession('bash', ['--norc', '--noprofile', '-i'], { env, cols: 160 })
    session.type(`PS1='> '; source ${place}/drydock.bash; echo rea""dy\r`)
    await session.see('ready')
    for (const [typed, whole] of WHOLE) {
      await session.see('> ')
      session.type(`${typed}\t`)
      await session.see(whole)
      session.type('\x15\r')
    }
    session.type('exit 0\r')
    expect(await session.ended()).toBe(0)
  })
})

describe('zsh', () => {
  requires('command:zsh')('completes what is typed', async () => {
    writeFileSync(
      join(place, '.zshrc'),
      `fpath=(${place} $fpath); autoload -U compinit; compinit -u -D; PS1='> '; unsetopt zle_bracketed_paste 2>/dev/null\n`,
    )
    const session = new TerminalSession('zsh', ['-i'], { env, cols: 160 })
    for (const [typed, whole] of WHOLE) {
      await session.see('> ')
      session.type(`${typed}\t`)
      await session.see(whole.trimEnd())
      session.type('\x15\r')
    }
    session.type('exit 0\r')
    expect(await session.ended()).toBe(0)
  })
})

describe('fish', () => {
  requires('command:fish')('tells what could follow', async () => {
    const lines = [
      'drydock unp',
      'drydock exec ',
      'drydock rm -f h',
      'drydock run --network-a',
      'drydock run --network ',
      'drydock run h',
      'drydock -H x volume rm ',
      'drydock network ',
    ]
    const script = [`source ${place}/drydock.fish`, ...lines.map((line) => `complete -C '${line}'; echo`)].join('\n')
    const { stdout } = await execa('fish', ['--no-config', '-c', script], { env, extendEnv: false })
    const offered = stdout.split('\n\n').map((block) =>
      block
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t')[0]),
    )
    expect(offered).toEqual([
      ['unpause'],
      ['gannet'],
      ['heron'],
      ['--network-alias'],
      ['bridge', 'quay'],
      ['harbour/box:v1', 'harbour/box:v2'],
      ['store'],
      ['connect', 'create', 'disconnect', 'inspect', 'ls', 'prune', 'rm'],
    ])
  })
})

always('every verb has its flags, and every flag a text', async () => {
  const { entries, words } = await tables()
  expect(words.get('')?.length).toBeGreaterThan(40)
  for (const { path, flags } of entries) for (const { long, text } of flags) expect(`${path} ${long}: ${text}`).toMatch(/ --[a-z0-9-]+: \S/)
  const run = entries.find(({ path }) => path === 'run')
  expect(run).toMatchObject({ operands: ['image', 'any'], more: true })
  expect(run?.flags).toContainEqual({ long: '--env-file', text: 'variables, one a line', value: 'file' })
})
