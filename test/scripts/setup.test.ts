import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, describe, expect, it } from 'vitest'

interface Machine {
  platform: string
  arch: string
  execPath: string
  versions: { node: string }
}
const { checkPlatform, gist } = createRequire(import.meta.url)('../../scripts/setup.cjs') as {
  checkPlatform(machine?: Machine): string | undefined
  gist(text: string): string
}

const machine: Machine = { platform: 'linux', arch: 'x64', execPath: '/usr/bin/node', versions: { node: '20.17.0' } }

describe('checkPlatform', () => {
  it('has nothing to say on Linux with Node 20.17 or newer', () => {
    expect(checkPlatform(machine)).toBeUndefined()
    expect(checkPlatform({ ...machine, arch: 'arm64', versions: { node: '26.0.0-nightly' } })).toBeUndefined()
    expect(checkPlatform()).toBeUndefined()
  })

  it.each<[string, Partial<Machine>, RegExp]>([
    ['macOS', { platform: 'darwin' }, /macOS has none.*\n.*virtual machine.*dev container/],
    ['Windows', { platform: 'win32' }, /Windows has none.*\n.*WSL2/],
    ['another system', { platform: 'freebsd' }, /this is freebsd.*\n.*Linux machine/],
    ['an old Node', { versions: { node: '18.20.4' } }, /Node 20\.17 or newer; this is 18\.20\.4 \(\/usr\/bin\/node\)\.\n.*nvm install/],
    ['a Node that is nearly new enough', { versions: { node: '20.16.0' } }, /Node 20\.17 or newer/],
    ['another processor', { arch: 'riscv64' }, /this is riscv64/],
  ])('says in two lines what to do on %s', (_, parts, sentence) => {
    const said = checkPlatform({ ...machine, ...parts })
    expect(said).toMatch(sentence)
    expect(said?.split('\n')).toHaveLength(2)
  })
})

describe('gist', () => {
  it('keeps the reason of npm, without usage, warnings and empty lines', () => {
    const said = gist(
      'npm warn Unknown user config\nnpm error code EUSAGE\nnpm error\nnpm error out of sync\nnpm error Usage:\nnpm error npm ci\nnpm error A complete log of this run can be found in: /x\n',
    )
    expect(said).toBe('code EUSAGE\nout of sync\nA complete log of this run can be found in: /x')
  })

  it('finds the reason among what node-gyp prints', () => {
    const said = gist(
      'npm error code 1\nnpm error path /x/node_modules/node-pty\nnpm error gyp info using node\nnpm error gyp ERR! stack Error: getaddrinfo ENOTFOUND\n' +
        'npm error gyp ERR! stack     at async run (x.js:1:2)\nnpm error gyp ERR! System Linux 6.1\nnpm error gyp ERR! not ok\n',
    )
    expect(said).toBe('code 1\npath /x/node_modules/node-pty\ngyp ERR! stack Error: getaddrinfo ENOTFOUND')
  })

  it('keeps both ends of what is long', () => {
    const lines = gist(Array.from({ length: 500 }, (_, index) => `line ${index}`).join('\n')).split('\n')
    expect(lines).toHaveLength(17)
    expect(lines[0]).toBe('line 0')
    expect(lines.at(-1)).toBe('line 499')
  })
})

/** A checkout in which nothing is set up, as far as the set-up looks at it. */
function freshCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), 'drydock-fresh-'))
  for (const name of ['scripts', 'package.json', 'package-lock.json', 'native/Makefile', 'native/main.c']) {
    cpSync(join(import.meta.dirname, '../..', name), join(root, name), { recursive: true })
  }
  return root
}

/** A PATH with these programs of this machine and no others. */
function pathWith(root: string, programs: Record<string, string>): string {
  const bin = join(root, 'bin')
  mkdirSync(bin)
  for (const [name, target] of Object.entries(programs)) {
    if (target.startsWith('/')) symlinkSync(target, join(bin, name))
    else writeFileSync(join(bin, name), target, { mode: 0o755 })
  }
  return bin
}

describe('a fresh checkout', () => {
  let root = ''
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const start = (PATH: string, env: Record<string, string> = {}) =>
    spawnSync(process.execPath, ['scripts/start.cjs', 'lesson', '1'], {
      cwd: root,
      encoding: 'utf8',
      timeout: 20_000,
      env: { PATH, HOME: root, ...env },
    })

  it('names the packages that a machine without a compiler lacks, and changes nothing', () => {
    root = freshCheckout()
    const before = readdirSync(root)
    const { status, stdout, stderr } = start('/nonexistent')
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/lacks: make, cc, c\+\+, python3\.\nInstall them with: .+/)
    expect(stderr.trim().split('\n')).toHaveLength(2)
    expect(readdirSync(root)).toEqual(before)
  })

  it('shows a failed part in few words, with its reason, and ends with status 1', () => {
    root = freshCheckout()
    const say = '#!/bin/sh\necho "npm error code E404" >&2\necho "npm error chalk is not there" >&2\nexit 1\n'
    const tool = '#!/bin/sh\nexit 0\n'
    const PATH = pathWith(root, { npm: say, make: tool, cc: tool, 'c++': tool, python3: tool })
    const { status, stderr } = start(`${PATH}:/bin`)
    expect(status).toBe(1)
    expect(stderr).toBe(
      'drydock: setting up, dependencies … failed\n' +
        'drydock: `npm ci` failed:\ncode E404\nchalk is not there\n' +
        'Mend that and run the same command again; what is set up already is kept.\n',
    )
  })

  it('waits for another terminal that sets up, and not for one that was killed', async () => {
    root = freshCheckout()
    // It takes until the other one has said that it waits.
    const npm = '#!/bin/sh\necho run >> npm-runs\nuntil [ -e waits ]; do sleep 0.05; done\nmkdir -p node_modules/node-pty\n'
    const tool = '#!/bin/sh\nexit 0\n'
    const PATH = `${pathWith(root, { npm, make: tool, cc: tool, 'c++': tool, python3: tool })}:/bin`
    writeFileSync(join(root, '.setup-lock'), String(spawnSync('true').pid))
    const options = { cwd: root, reject: false, extendEnv: false, env: { PATH, HOME: root } } as const
    const waits = 'another terminal is setting up'
    const terminal = () => {
      const started = execa(process.execPath, ['scripts/start.cjs', 'lesson'], options)
      let said = ''
      started.stderr.on('data', (chunk) => {
        said += chunk
        if (said.includes(waits)) writeFileSync(join(root, 'waits'), '')
      })
      return started
    }
    const both = await Promise.all([terminal(), terminal()])
    expect(both.map(({ stderr }) => stderr.includes(waits)).sort()).toEqual([false, true])
    // The first one's packages came without their scripts, so the second one tries again, after it and not beside it.
    expect(readFileSync(join(root, 'npm-runs'), 'utf8')).toBe('run\nrun\n')
    expect(existsSync(join(root, '.setup-lock'))).toBe(false)
  })

  it('does not wait for who has made the lock and never said who it is', () => {
    root = freshCheckout()
    const tool = '#!/bin/sh\nexit 0\n'
    const PATH = pathWith(root, { npm: '#!/bin/sh\nexit 1\n', make: tool, cc: tool, 'c++': tool, python3: tool })
    writeFileSync(join(root, '.setup-lock'), '')
    utimesSync(join(root, '.setup-lock'), 1e9, 1e9)
    const { status, stderr } = start(`${PATH}:/bin`)
    expect([status, stderr]).toEqual([1, expect.stringContaining('`npm ci` failed')])
    expect(readdirSync(root).filter((name) => name.startsWith('.setup-lock'))).toEqual([])
  })

  it('tells when packages were installed without their scripts', () => {
    root = freshCheckout()
    const npm = '#!/bin/sh\nmkdir -p node_modules/node-pty\n'
    const tool = '#!/bin/sh\nexit 0\n'
    const PATH = pathWith(root, { npm, make: tool, cc: tool, 'c++': tool, python3: tool })
    const { status, stderr } = start(`${PATH}:/bin`)
    expect(status).toBe(1)
    expect(stderr).toContain('npm rebuild node-pty --ignore-scripts=false')
  })
})

describe('scripts/start.cjs', () => {
  it('knows its commands', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/start.cjs', 'sink'], { encoding: 'utf8' })
    expect(status).toBe(2)
    expect(stderr).toContain("'sink' is no command; there are: lesson, repl, doctor, test, ")
  })

  it('is written in what Node 16 can parse, as are the files that it requires', () => {
    for (const file of ['start', 'setup', 'packages']) {
      const target = ['--target=node16.20', '--log-level=error', `scripts/${file}.cjs`]
      const code = execFileSync('node_modules/.bin/esbuild', target, { encoding: 'utf8' })
      // What is newer than the target would have been written anew: then more than layout and quotes differs.
      expect(code).toBe(execFileSync('node_modules/.bin/esbuild', ['--target=esnext', `scripts/${file}.cjs`], { encoding: 'utf8' }))
    }
  })
})
