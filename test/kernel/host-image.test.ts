/** The host image: programs run in it, it follows the machine, and nobody ever sees half of one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { buildUserland, hostImage } from '../../lib/image/host/index.js'
import { mkdir } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { readNamespace } from '../../lib/kernel/proc/namespaces.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'
import { contentsOf, programsWithout, runIn } from '../support/userland.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }
const TSX = [process.execPath, '--import', 'tsx']
const program = (name: string) => join(import.meta.dirname, '../support/programs', `${name}.ts`)

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'image' })
})
afterAll(() => bottle.close())

let base: string
let dataRoot: string
beforeEach(() => {
  // A bottle has a /tmp of its own; /var is seen from inside.
  base = mkdtempSync('/var/tmp/drydock-image-')
  dataRoot = join(base, 'data')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const home = () => join(dataRoot, 'images/host')
const images = () => readdirSync(home()).filter((name) => /^[0-9a-f]{16}/.test(name))
const layerOf = (image: { layers: readonly string[] }) => image.layers[0] as string

/** A machine of busybox alone: its directory of programs. */
function littleMachine(): string {
  const directory = join(base, 'bin')
  mkdirSync(directory)
  copyFileSync(findCommand('busybox') as string, join(directory, 'busybox'))
  return directory
}

describe('programs run in it', () => {
  const everywhere = async (root: string) => {
    const said = async (...argv: string[]) => {
      const { code, output } = await runIn(bottle, root, argv)
      expect(code, `${argv.join(' ')}: ${output}`).toBe(0)
      return output.trim()
    }
    expect(await said('sh', '-c', 'echo $((6 * 7))')).toBe('42')
    expect(await said('id')).toMatch(/^uid=0\(root\) gid=0\(root\)/)
    expect(await said('cat', '/etc/os-release')).toBe('NAME="drydock host image"\nPRETTY_NAME="drydock host image"\nID="drydock"')
    expect(await said('ps', '-ef')).toMatch(/ 1 .*ps -ef/)
    expect(await said('hostname')).toBe('image')
    expect(await said('ip', 'link')).toContain('lo: <LOOPBACK,UP')
    expect(await said('ping', '-c', '1', '127.0.0.1')).toMatch(/1 packets (received|transmitted)/)
    expect(await said('env')).toContain('TERM=dumb')
    expect(await said('sh', '-c', 'sleep 0 && true && ls / && stat -c %a /tmp /root /var/tmp')).toMatch(/\nusr\nvar\n1777\n700\n1777$/)
    expect(await said('/sbin/ip', 'route')).toBe('')
    if (findCommand('getent')) expect(await said('getent', 'passwd', 'nobody')).toBe('nobody:x:65534:65534:nobody:/:/bin/false')
    if (findCommand('bash')) expect(await said('bash', '-c', 'echo $BASH')).toMatch(/bash$/)
    for (const name of ['stty', 'tty']) expect((await runIn(bottle, root, ['sh', '-c', `command -v ${name}`])).output).toContain(name)
    for (const name of ['hosts', 'hostname', 'resolv.conf']) expect(statSync(join(root, 'etc', name)).size).toBe(0)
  }

  requires(
    'command:busybox',
    'command:ping',
    'command:ip',
  )('with busybox', async () => {
    const image = await hostImage({ dataRoot })
    expect(image.config).toEqual({ env: [expect.stringMatching(/^PATH=/)], cmd: ['/bin/sh'], workingDir: '/' })
    await everywhere(layerOf(image))
    expect((await runIn(bottle, layerOf(image), ['busybox', 'true'])).code).toBe(0)
  })

  requires(
    'command:ps',
    'command:ping',
    'command:ip',
  )('without: from programs and their libraries', async () => {
    const directory = join(base, 'bin')
    mkdirSync(directory)
    programsWithout(directory, ['busybox'])
    const layer = layerOf(await hostImage({ dataRoot, directories: [directory] }))
    expect(existsSync(join(layer, 'usr/bin/busybox'))).toBe(false)
    await everywhere(layer)
    // Each of them finds its libraries: the dynamic linker is asked to list them, in there.
    const script = 'for p in /usr/bin/*; do LD_TRACE_LOADED_OBJECTS=1 $p; done'
    const { output } = await runIn(bottle, layer, ['sh', '-c', script])
    expect(output).toContain('libc.so')
    expect(output).not.toMatch(/not found/)
  })

  requires('command:setpriv', 'user-namespaces')('made by an ordinary user, whatever the umask', async () => {
    const { stdout, all } = await runAsOrdinaryUser([...TSX, program('host-image-as-user')])
    const seen = JSON.parse(String(stdout).trim() || JSON.stringify(all))
    expect(seen).toMatchObject({ rootless: true, id: { code: 0, output: '0\n' }, left: [] })
    expect(seen.uid).not.toBe(0)
    expect(seen.shell.output).toMatch(/^drwxr-xr-x .* root .*\n(drwxrwxrwt|drwx------) /)
    expect(seen.shell.output).toContain('drydock host image')
  })
})

describe('another userland', () => {
  requires('command:busybox')('says that it is another, with the programs that were asked for', async () => {
    const root = join(base, 'harbour')
    buildUserland(root, { name: 'The "Harbour"', osRelease: { VERSION_ID: '1' }, programs: ['sh', 'cat'] })
    const { output } = await runIn(bottle, root, ['sh', '-c', '. /etc/os-release; echo "$NAME $ID $VERSION_ID"; ls 2>&1 || echo none'])
    expect(output).toContain('The "Harbour" the-harbour- 1\n')
    expect(readdirSync(join(root, 'usr/bin')).sort()).toEqual(['busybox', 'cat', 'sh'])
    expect(() => buildUserland(root, { name: 'again' })).toThrow(`${root} is not empty`)
  })
})

describe('it is kept', () => {
  requires('command:busybox')('while the machine’s files are the same', async () => {
    const first = await hostImage({ dataRoot })
    const inode = statSync(layerOf(first)).ino
    expect(await hostImage({ dataRoot })).toEqual(first)
    expect(statSync(layerOf(first)).ino).toBe(inode)
    expect(readdirSync(home()).sort()).toEqual([first.fingerprint, 'current.json'].sort())
  })

  requires('command:busybox')(
    'made anew when a file changes, and the one before the last is removed unless a container has it',
    async () => {
      const directory = littleMachine()
      symlinkSync('busybox', join(directory, 'sh'))
      const make = () => hostImage({ dataRoot, directories: [directory] })
      const change = () => appendFileSync(join(directory, 'busybox'), 'x')
      const first = await make()
      change()
      const second = await make()
      expect(second.fingerprint).not.toBe(first.fingerprint)
      expect(images().sort()).toEqual([first.fingerprint, second.fingerprint].sort())
      mkdirSync(join(dataRoot, 'containers/abc'), { recursive: true })
      mkdirSync(join(dataRoot, 'containers/half'))
      writeFileSync(join(dataRoot, 'containers/abc/config.json'), JSON.stringify({ image: { layers: second.layers } }))
      change()
      const third = await make()
      expect(images().sort()).toEqual([second.fingerprint, third.fingerprint].sort())
      change()
      const fourth = await make()
      expect(images().sort()).toEqual([second.fingerprint, third.fingerprint, fourth.fingerprint].sort())
      rmSync(join(dataRoot, 'containers/abc/config.json'))
      change()
      const fifth = await make()
      expect(images().sort()).toEqual([fourth.fingerprint, fifth.fingerprint].sort())
    },
  )

  requires('command:busybox', 'command:bash')('made anew when a program comes, not when something else does', async () => {
    const directory = littleMachine()
    const make = () => hostImage({ dataRoot, directories: [directory] })
    const first = await make()
    const inode = statSync(layerOf(first)).ino
    writeFileSync(join(directory, 'notes'), 'something else')
    expect(await make()).toEqual(first)
    expect(statSync(layerOf(first)).ino).toBe(inode)
    symlinkSync(findCommand('bash') as string, join(directory, 'bash'))
    const second = await make()
    expect(second.fingerprint).not.toBe(first.fingerprint)
    expect(existsSync(join(layerOf(second), 'usr/bin/bash'))).toBe(true)
    rmSync(join(directory, 'bash'))
    expect((await make()).fingerprint).toBe(first.fingerprint)
  })

  requires('command:busybox')('made anew on demand, when it is gone, and when its manifest is nonsense', async () => {
    const directories = [littleMachine()]
    const first = await hostImage({ dataRoot, directories })
    const anew = await hostImage({ dataRoot, directories, refresh: true })
    expect(anew.fingerprint).toBe(first.fingerprint)
    expect(anew.layers).not.toEqual(first.layers)
    expect(contentsOf(layerOf(anew))).toEqual(contentsOf(layerOf(first)))
    expect(await hostImage({ dataRoot, directories })).toEqual(anew)
    for (const name of images()) rmSync(join(home(), name), { recursive: true })
    expect(existsSync(layerOf(await hostImage({ dataRoot, directories })))).toBe(true)
    writeFileSync(join(home(), 'current.json'), '{"recipe":')
    expect(existsSync(layerOf(await hostImage({ dataRoot, directories })))).toBe(true)
  })
})

describe('nobody sees half of one', () => {
  const start = async (...args: string[]): Promise<ChildProcess> => {
    const [file, ...rest] = [...TSX, program('host-image'), dataRoot, ...args]
    const builder = spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(builder.stdout, 'data')
    return builder
  }

  requires('command:busybox')('when several make it at once', async () => {
    const builders = await Promise.all(Array.from({ length: 4 }, () => start()))
    const codes = await Promise.all(builders.map(async (builder) => builder.exitCode ?? (await once(builder, 'exit'))[0]))
    expect(codes).toEqual([0, 0, 0, 0])
    const image = await hostImage({ dataRoot })
    expect(readdirSync(home()).sort()).toEqual([image.fingerprint, 'current.json'].sort())
  })

  requires('command:busybox')('when a builder is killed at random moments', async () => {
    const whole = contentsOf(layerOf(await hostImage({ dataRoot: join(base, 'reference') })))
    for (let round = 0; round < 12; round++) {
      const builder = await start()
      const over = builder.exitCode !== null || once(builder, 'exit')
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      builder.kill('SIGKILL')
      await over
      for (const name of existsSync(home()) ? images() : []) expect(contentsOf(join(home(), name, 'rootfs')), name).toEqual(whole)
      const image = await hostImage({ dataRoot })
      expect(contentsOf(layerOf(image))).toEqual(whole)
      expect(readdirSync(home()).sort()).toEqual([image.fingerprint, 'current.json'].sort())
      rmSync(dataRoot, { recursive: true })
    }
  })

  requires('command:busybox')('what a living builder has in hand is left to it', async () => {
    const image = await hostImage({ dataRoot })
    const start = readProcess('self')?.startTicks
    const namespace = readNamespace('self', 'pid')
    const mine = `.building-${namespace}-${process.pid}-${start}-abcdef`
    const dead = [`.building-${namespace}-${process.pid}-1-abcdef`, `.building-${namespace}-4194303-1-abcdef`, '.building-x', '.removing-1']
    const elsewhere = '.building-1-1-1-abcdef'
    for (const name of [mine, elsewhere, ...dead]) mkdirSync(join(home(), name))
    expect(await hostImage({ dataRoot })).toEqual(image)
    expect(readdirSync(home()).sort()).toEqual([elsewhere, mine, image.fingerprint, 'current.json'].sort())
  })
})

describe('what is wrong is said', () => {
  requires('command:busybox')('a full disk', async () => {
    const shim = await bottle.shim()
    await shim.run([mkdir('/tmp/small'), mount('tmpfs', '/tmp/small', 'tmpfs', [], 'size=1m')])
    const full = bottle.hostPath('/tmp/small')
    await expect(hostImage({ dataRoot: full })).rejects.toThrow(
      /has no room for a userland of \d+ MB \(ENOSPC; \d MB are free\): make room there/,
    )
    expect(readdirSync(join(full, 'images/host'))).toEqual([])
    await shim.rollback()
  })

  test('a place that is none', async () => {
    await expect(hostImage({ dataRoot: '/dev/null/data' })).rejects.toThrow(
      /the host image cannot be kept in \/dev\/null\/data\/images\/host: .*ENOTDIR/,
    )
  })

  test('no shell', async () => {
    await expect(hostImage({ dataRoot, directories: [base] })).rejects.toThrow(`neither busybox nor a shell (sh) is in ${base}`)
  })

  requires(
    'root',
    'command:setpriv',
    'command:busybox',
  )('a shell that may not be read', async () => {
    const theirs = join(base, 'theirs')
    const bin = join(base, 'bin')
    for (const directory of [theirs, bin]) mkdirSync(directory)
    chmodSync(base, 0o755)
    chmodSync(theirs, 0o777)
    copyFileSync(findCommand('busybox') as string, join(bin, 'sh'))
    chmodSync(join(bin, 'sh'), 0o711)
    const { all } = await runAsOrdinaryUser([...TSX, program('host-image'), theirs, bin])
    expect(String(all)).toContain(`${join(bin, 'sh')} cannot be read (EACCES)`)
  })
})
