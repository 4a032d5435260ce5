/** The container's stdin, stdout and stderr, as it sees them and as the shim's client does. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import type { IdmapSpec } from '../../lib/primitives/idmap.js'
import { stdio } from '../../lib/primitives/stdio.js'
import { inside, probed as probedIn, running as runningIn } from '../support/contained.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const isRoot = process.geteuid?.() === 0
const OWN: IdmapSpec = {
  method: 'root',
  uids: [{ inside: 0, outside: 100_000, count: 65_536 }],
  gids: [{ inside: 0, outside: 100_000, count: 65_536 }],
}
/** Looked at often, and long enough for a busy machine. */
const PATIENT = { interval: 5, timeout: 20_000 }

/** Who makes the containers, and the ids of their user namespace if they have one. */
const MAKERS: [string, IdmapSpec | undefined][] = [[isRoot ? 'root' : 'an ordinary user', undefined]]
if (isRoot) MAKERS.push(['root of a user namespace of its own', OWN])

const ROOT = '/tmp/root'
const BUSYBOX = `mkdir -p ${ROOT}/bin ${ROOT}/tmp; cp "$(command -v busybox)" ${ROOT}/bin/
  for name in sh cat stty sleep id kill; do ln -s busybox ${ROOT}/bin/$name; done; chmod 1777 ${ROOT}/tmp`

describe.each(MAKERS)('as %s', (_, map) => {
  let bottle: Bottle
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'stdio-test' })
    await inside(bottle, `${BUSYBOX}${map ? `; chown -hR 100000:100000 ${ROOT}` : ''}`)
  })
  afterAll(() => bottle?.close())

  const rootless = () => bottle.rootless || map !== undefined
  const spec = () => ({ root: { root: ROOT, rootless: rootless() }, ...(map && { map }) })
  /** An ordinary user has one id only: no other user to be. */
  const user = isRoot ? 1000 : 0
  const owner = { inside: user, outside: map ? 100_000 + user : user }
  const asUser = isRoot ? { user } : {}
  const probed = (ends: ReturnType<typeof stdio>, paths: string[] = [], who = {}) => probedIn(bottle, { ...spec(), ends, ...who }, paths)
  const shell = (ends: ReturnType<typeof stdio>, script: string, who = {}) =>
    runningIn(bottle, { ...spec(), ends, ...who }, ['/bin/sh', '-c', script])
  const targets = (seen: { fds: { fd: number; target: string }[] }) => seen.fds.map(({ fd, target }) => [fd, target])

  describe('a terminal', () => {
    const terminal = (more = {}) => stdio({ kind: 'terminal', rows: 43, columns: 132, ...more })

    test('is the container’s own, its console, and the terminal of its session', async () => {
      const seen = await probed(terminal(), ['/dev/console', '/dev/pts/0', '/dev/pts'])
      const slave = '/dev/pts/0'
      expect(targets(seen)).toEqual([0, 1, 2].map((fd) => [fd, slave]))
      expect(seen).toMatchObject({ pid: 1, sid: 1, pgid: 1, terminal: { rows: 43, columns: 132, foreground: 1 } })
      expect(seen.paths['/dev/console']).toMatchObject({ type: 'char', device: '136:0', open: 'allowed' })
      expect(seen.paths[slave]).toMatchObject({ device: '136:0', uid: 0, open: 'allowed' })
      expect(seen.paths['/dev/pts'].entries).toEqual(['0', 'ptmx'])
    })

    test('belongs to the program’s user', async () => {
      const seen = await probed(terminal({ owner }), ['/dev/pts/0', '/dev/console', '/dev/stdout', '/dev/tty'], asUser)
      expect(seen.uid).toBe(user)
      expect(seen.paths['/dev/pts/0']).toMatchObject({ uid: user, gid: rootless() ? 0 : 5, mode: '0620', open: 'allowed' })
      expect(seen.paths['/dev/console']).toMatchObject({ uid: user, open: 'allowed' })
      expect(seen.paths['/dev/tty']).toMatchObject({ open: 'allowed' })
      expect(seen.paths['/dev/stdout']).toMatchObject({ type: 'link', write: 'allowed' })
    })

    requires('command:busybox')('passes on keys, its size, and its end', async () => {
      const traps = 'trap "stty size" WINCH; trap "echo interrupted" INT'
      const script = `stty -echo; ${traps}; echo ready; until [ "$line" = end ]; do read line; echo "<$line>"; done; cat; echo over`
      const { shim, said } = await shell(terminal(), script)
      const hears = (text: string) => expect.poll(() => said[1], PATIENT).toContain(text)
      await hears('ready')
      shim.stdin(Buffer.from('typed\n'))
      await hears('<typed>')
      shim.resize(50, 100)
      await hears('50 100')
      shim.stdin(Buffer.from('\x03'))
      await hears('interrupted')
      shim.stdin(Buffer.from('end\n'))
      await hears('<end>')
      shim.stdin(Buffer.from('\x04'))
      expect(await shim.exited).toMatchObject({ code: 0 })
      await shim.ended
      expect(said[1]).toMatch(/over\r\n$/)
      expect(said[2]).toBe('')
    })

    requires('command:busybox')('has job control: a stopped job goes on in front', async () => {
      const { shim, said } = await runningIn(bottle, { ...spec(), ends: terminal() }, ['/bin/sh', '-i'])
      /** Without the question for the cursor's place, which busybox asks after its prompt and nobody answers. */
      const shown = () => said[1].replaceAll('\x1b[6n', '')
      /** Type, and wait for what only its effect can have printed from then on. */
      const type = async (keys: string, answer: RegExp) => {
        const from = shown().length
        shim.stdin(Buffer.from(keys))
        await expect.poll(() => shown().slice(from), PATIENT).toMatch(answer)
      }
      await expect.poll(shown, PATIENT).toMatch(/[#$] $/)
      await type('PS1="pro""mpt "\n', /prompt $/)
      await type(`sh -c 'echo be""gun; exec cat'\n`, /begun\r\n/)
      await type('line\n', /line\r\nline\r\n/)
      await type('\x1a', /Stopped[\s\S]*prompt $/)
      await type('fg\n', /exec cat/)
      await type('again\n', /again\r\nagain\r\n/)
      await type('\x03', /prompt $/)
      shim.stdin(Buffer.from('exit 7\n'))
      expect(await shim.exited).toMatchObject({ code: 7 })
      expect(said[1]).not.toMatch(/job control|can't access tty/)
    })
  })

  describe('pipes', () => {
    test('are three, or two and nothing to read, and no other descriptor goes along', async () => {
      const all = await probed(stdio({ kind: 'pipes', stdin: true }))
      expect(targets(all).map(([fd, target]) => [fd, String(target).replace(/\d+/, 'N')])).toEqual([0, 1, 2].map((fd) => [fd, 'pipe:[N]']))
      expect(new Set(targets(all).map(([, target]) => target)).size).toBe(3)
      const deaf = await probed(stdio({ kind: 'pipes', stdin: false }), ['/dev/console'])
      expect(targets(deaf)[0]).toEqual([0, '/dev/null'])
      expect(deaf).toMatchObject({ pid: 1, sid: 1, terminal: null, paths: { '/dev/console': { error: 'ENOENT' } } })
    })

    test('can be opened by name by the program’s user', async () => {
      const seen = await probed(stdio({ kind: 'pipes', stdin: false, owner }), ['/dev/stdout', '/dev/stderr'], asUser)
      expect(seen.uid).toBe(user)
      for (const name of ['/dev/stdout', '/dev/stderr']) expect(seen.paths[name], name).toMatchObject({ write: 'allowed' })
    })

    requires('command:busybox')('keep output and complaints apart, and end when either side does', async () => {
      const { shim, said } = await shell(stdio({ kind: 'pipes', stdin: true }), 'cat; echo complaint >&2; echo end; exit 3')
      shim.stdin(Buffer.from('one\n'))
      shim.stdin(Buffer.from('two\n'))
      shim.closeStdin()
      expect(await shim.exited).toMatchObject({ code: 3 })
      await shim.ended
      expect(said).toEqual({ 1: 'one\ntwo\nend\n', 2: 'complaint\n' })
    })
  })
})

requires('root')(
  'all of it works for an ordinary user',
  async () => {
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
    const argv = [process.execPath, vitest, 'run', '--configLoader', 'runner', '--project', 'lanes', import.meta.filename]
    const { exitCode, all } = await runAsOrdinaryUser(argv, { env: { VITEST: undefined } })
    expect(exitCode, String(all)).toBe(0)
  },
  120_000,
)
