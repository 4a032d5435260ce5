import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

interface Loaded {
  readonly exports: Readonly<Record<string, (...args: unknown[]) => unknown>>
  keep(): void
}
const { load } = createRequire(import.meta.url)('../../scripts/compiled.cjs') as { load(file: string, use: string): Loaded }

const DRYDOCK = fileURLToPath(new URL('../../scripts/drydock.cjs', import.meta.url))

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'drydock-compiled-'))
})
afterEach(() => rmSync(place, { recursive: true }))

const script = (text: string): string => {
  const file = join(place, 'script.cjs')
  writeFileSync(file, `(function (exports, require, module, importMeta) {${text}})`)
  return file
}

describe('a script with its code kept', () => {
  it('is run, and keeps its code for each use', () => {
    const file = script('exports.twice = (n) => 2 * n; exports.url = () => importMeta.url')
    for (const use of ['one', 'one', 'two']) {
      const { exports, keep } = load(file, use)
      expect([exports.twice?.(21), exports.url?.()]).toEqual([42, `file://${file}`])
      keep()
    }
    expect(readdirSync(place).filter((name) => name.endsWith('.code'))).toHaveLength(2)
  })

  it('has all of Node’s modules, those that are loaded late too', () => {
    const { exports } = load(
      script(`
        const { sep } = require('node:path')
        const crypto = require('node:crypto')
        const { connect } = require('tls')
        class Own extends require('node:http').Agent {}
        exports.found = () => [sep, crypto.createHash('md5').update('').digest('hex').length, typeof connect, new Own().maxSockets]`),
      'one',
    )
    expect(exports.found?.()).toEqual(['/', 32, 'function', Number.POSITIVE_INFINITY])
  })
})

/** Each takes a part of a millisecond, or a few, of a command that is over in some tens. */
describe('what a short call does not load of Node’s', () => {
  /** What a process has loaded when it ends, and had not when it began. */
  const LISTED = `
    const before = process.moduleLoadList.slice()
    process.on('exit', () => {
      const more = process.moduleLoadList.filter((name) => !before.includes(name))
      require('node:fs').writeFileSync(process.env.LOADED, JSON.stringify(more))
    })`

  /** Making the bundles takes more. */
  beforeAll(() => execa(process.execPath, [DRYDOCK, '--version']))

  async function loadedBy(...words: string[]): Promise<string[]> {
    const [listing, list] = [join(place, 'listing.cjs'), join(place, 'list.json')]
    writeFileSync(listing, LISTED)
    const { stderr } = await execa(process.execPath, ['--require', listing, DRYDOCK, ...words], {
      reject: false,
      env: { LOADED: list, DRYDOCK_ENGINE: '', DRYDOCK_DATA_ROOT: join(place, 'data') },
    })
    const found = createRequire(import.meta.url)(list) as string[]
    return [stderr, ...found.flatMap((name) => /^NativeModule (.*)/.exec(name)?.[1] ?? [])]
  }

  it('run, by an engine', async () => {
    const [stderr, ...loaded] = await loadedBy('-H', `unix://${place}/none.sock`, 'run', '--rm', 'busybox', 'true')
    expect(stderr).toMatch(/^drydock: .*none\.sock/)
    expect(loaded).toContain('http')
    for (const name of ['child_process', 'crypto', 'dns', 'fs/promises', 'https', 'readline', 'tls', 'v8', 'zlib'])
      expect(loaded).not.toContain(name)
  })

  it('run, without one', async () => {
    const [stderr, ...loaded] = await loadedBy('--no-engine', 'run', '--rm', '--pull', 'never', 'busybox', 'true')
    expect(stderr).toMatch(/^drydock: No such image/)
    for (const name of ['crypto', 'dns', 'fs/promises', 'http', 'https', 'readline', 'tls', 'v8', 'zlib'])
      expect(loaded).not.toContain(name)
  })
})
