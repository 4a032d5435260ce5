/**
 * Known ways out of containers, tried: what descriptors and the shim's own file could lead to. escapes-links.test.ts tries the image's
 * links, escapes-kernel.test.ts what the kernel could be asked for.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { busyboxRoot } from '../support/full.js'
import { PrivateHost } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

const NEEDS = ['root', 'command:unshare', 'command:busybox', 'command:ip'] as const
const test = requires(...NEEDS)
const able = missing(NEEDS).length === 0

let host: PrivateHost
beforeAll(async () => {
  if (able) host = await PrivateHost.open()
})
afterAll(async () => {
  if (able) await host.close()
})

/** A directory of the host's that nobody inside may reach, and an image that tries. */
const CANARY = '/run/canary'
let root: ReturnType<typeof busyboxRoot>
let before: { canary: string; mounts: string }
beforeEach(() => {
  if (!able) return
  root = busyboxRoot()
  const canary = host.path(CANARY)
  mkdirSync(join(canary, 'etc'), { recursive: true })
  for (const name of ['secret', 'hosts', 'etc/passwd', 'resolv.conf', 'hostname']) writeFileSync(join(canary, name), `the host’s ${name}`)
  before = { canary: digest(canary), mounts: mounts() }
})
afterEach(() => {
  if (!able) return
  // Whatever was tried: nothing on the host was made, changed or mounted.
  expect({ canary: digest(host.path(CANARY)), mounts: mounts() }).toEqual(before)
  root.remove()
})

const mounts = () => readFileSync(`/proc/${host.pid}/mountinfo`, 'utf8')

/** Names, kinds, modes and contents of all below a directory. */
function digest(directory: string): string {
  const hash = createHash('sha256')
  const visit = (path: string) => {
    const { mode, rdev, uid } = lstatSync(path)
    hash.update(`${path} ${mode} ${rdev} ${uid}\0`)
    if (lstatSync(path).isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
    else hash.update(lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path))
  }
  visit(directory)
  return hash.digest('hex')
}

const run = (flags: readonly string[], ...command: string[]) =>
  host.drydock('run', '--rm', '--network', 'none', ...flags, '--rootfs', root.path, ...command)
const sh = (flags: readonly string[], script: string) => run(flags, 'sh', '-c', script)

/** The image has a link in the place of something that is mounted, made or entered. */
function link(place: string, target: string): void {
  const path = join(root.path, place)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(target, path)
}

describe('what the shim has open', () => {
  test('is closed when the program begins, and no working directory leads to it (CVE-2024-21626)', async () => {
    const list = 'for n in /proc/self/fd/*; do readlink $n; done | grep -v -e ^pipe -e ^/dev/null -e ^/proc/ | sort -u; pwd; ls ..'
    expect((await sh([], list)).stdout).not.toMatch(/\/run|\/sys|canary|socket/)
    for (let number = 3; number < 20; number++) {
      const { stdout, stderr } = await sh(
        ['-w', `/proc/self/fd/${number}`],
        'ls ../../../../run/canary 2>&1; cat ../../../../run/canary/secret 2>&1',
      )
      expect(`${stdout}${stderr}`).not.toContain('the host’s')
    }
  })

  test('cannot be reached while it enters: it cannot be traced, and /proc/1 is the program’s own', async () => {
    const { stdout } = await sh(
      [],
      'readlink /proc/1/root; readlink /proc/1/exe; tr "\\0" " " < /proc/1/cmdline; ls /proc | grep -c "^[0-9]*$"',
    )
    expect(stdout).toMatch(/^\/\n\/bin\/busybox\nsh -c/)
  })
})

describe('the shim’s own file (CVE-2019-5736)', () => {
  const sum = () => createHash('sha256').update(readFileSync(SHIM_PATH)).digest('hex')

  for (const [what, flags] of [
    ['an entrypoint that is a link to /proc/self/exe', []],
    ['the same with --init', ['--init']],
  ] as const) {
    test(`${what} writes nothing to it`, async () => {
      const unchanged = sum()
      link('bin/self', '/proc/self/exe')
      await run(flags, '/bin/self', '--version')
      expect(sum()).toBe(unchanged)
    })
  }

  test('a script whose interpreter it is, and another process that writes to /proc/PID/exe', async () => {
    const unchanged = sum()
    writeFileSync(join(root.path, 'bin/script'), '#!/proc/self/exe --init -- /bin/sleep\n', { mode: 0o755 })
    // The sleeper is our own file, executed inside; whoever is beside it holds it open, and writes when it has ended.
    const attack = `
      /bin/script 1 & sleep 0.3
      for p in /proc/[0-9]*; do exec 9< $p/exe && (echo evil > /proc/self/fd/9) 2>/dev/null; done
      wait; for p in /proc/[0-9]*; do (echo evil > $p/exe) 2>/dev/null; done; true`
    for (const flags of [[], ['--init'], ['--privileged']]) await sh(flags, attack)
    expect(sum()).toBe(unchanged)
  })
})

test('a terminal is the container’s own: what it pushes into it stays there (CVE-2017-5226)', async () => {
  const { stdout } = await sh([], 'readlink /proc/self/fd/0; ls /dev/pts; (exec < /dev/tty) 2>&1')
  expect(stdout).toMatch(/^\/dev\/null\nptmx\n.*No such device or address/)
})
