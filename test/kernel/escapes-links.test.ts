/**
 * Images and volumes full of links that lead out. Whatever they are, the host is the same afterwards: the files that the links name, and its
 * mounts.
 *
 * What stops all of them: paths inside are looked up by openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS, from a descriptor of the root, and
 * used by the descriptor that was found (CVE-2017-1002101, CVE-2019-19921, CVE-2021-30465).
 */
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { AttackedHost, CANARY, ESCAPE_NEEDS } from '../support/escape.js'
import { missing, requires } from '../support/requires.js'

const test = requires(...ESCAPE_NEEDS)

let attacked: AttackedHost
beforeAll(async () => {
  if (missing(ESCAPE_NEEDS).length > 0) return
  attacked = await AttackedHost.open()
  mkdirSync(attacked.host.path('/run/volume'))
  writeFileSync(attacked.host.path('/run/volume/mark'), 'volume\n')
})
afterAll(() => attacked?.close())

/** Run in an image of these links; the host must not notice. A refusal is one sentence. */
async function attack(links: string, flags: readonly string[], script: string) {
  const image = await attacked.prepare(links)
  const before = attacked.state()
  const finished = await attacked.runImage(image, flags, '/bin/busybox', 'sh', '-c', script)
  expect(attacked.state()).toEqual(before)
  expect(readdirSync(attacked.host.path('/var/lib/drydock/overlay'))).toEqual([])
  return finished
}

const TARGET = `${CANARY}/directory`
const LINKS = {
  absolute: TARGET,
  climbing: `../../../../../../..${TARGET}`,
  'the root of a process': `/proc/self/root${TARGET}`,
  'the root of the first process': `/proc/1/root${TARGET}`,
  'a descriptor': '/proc/self/fd/3',
  'the working directory': '/proc/self/cwd',
} as const

describe('a link in the place of', () => {
  const mounts = { etc: [], tmp: ['--tmpfs', '/tmp'], data: ['-v', '/run/volume:/data'], work: ['-w', '/work'] } as const
  for (const [place, flags] of Object.entries(mounts)) {
    test(`/${place}: leads nowhere, since what it names is not in the image`, async () => {
      // All of them at one place; the others are looked up by the same steps, and get one of each kind.
      const links = Object.entries(LINKS).filter(([name]) => place === 'data' || ['absolute', 'a descriptor'].includes(name))
      for (const [name, link] of links) {
        const finished = await attack(`rm -rf ${place}; ln -s ${link} ${place}`, flags, 'true')
        expect(finished, name).toMatchObject({
          exitCode: 125,
          stderr: expect.stringMatching(new RegExp(`^drydock: /${place} is a symbolic link of the image that leads .*\n.*--help'.$`)),
        })
      }
    })

    test(`/${place}: leads to what the image has there`, async () => {
      for (const link of [LINKS.absolute, LINKS.climbing]) {
        // The directory of that name inside gets the mount, and is the host's in nothing but its name.
        const script = `cd /${place}/ && pwd -P; grep -c ' ${TARGET}' /proc/self/mountinfo; echo escaped > ./new`
        const { exitCode, stdout } = await attack(`rm -rf ${place}; mkdir -p .${TARGET}; ln -s ${link} ${place}`, flags, script)
        const mounted = { etc: 3, tmp: 1, data: 1, work: 0 }[place]
        expect([exitCode === 0, stdout.split('\n')]).toEqual([true, [TARGET, String(mounted)]])
      }
    })
  }

  test('/etc/hosts, /etc/hostname, /etc/resolv.conf: is covered, not followed', async () => {
    // move_mount(2) with no MOVE_MOUNT_T_SYMLINKS: the mount lies on the link itself.
    for (const link of [`/proc/1/root${CANARY}/file`, '/no/where', '/proc/self/fd/0']) {
      const links = `mkdir -p .${CANARY}; for f in hosts hostname resolv.conf; do ln -sf ${link} etc/$f; done`
      const script = `for f in hosts hostname resolv.conf; do test -h /etc/$f || echo "# more" >> /etc/$f && echo $f; done; ls .${CANARY}`
      expect(await attack(links, [], script)).toMatchObject({ exitCode: 0, stdout: 'hosts\nhostname\nresolv.conf' })
    }
  })

  for (const place of ['proc', 'sys', 'dev']) {
    test(`/${place}: is refused wherever it leads (CVE-2019-19921)`, async () => {
      for (const link of [LINKS['the root of the first process'], 'tmp', '/no/where']) {
        const { exitCode, stderr } = await attack(`rm -rf ${place}; mkdir -p .${TARGET}; ln -s ${link} ${place}`, [], 'true')
        expect([exitCode, stderr]).toEqual([125, expect.stringMatching(`^drydock: /${place} is a symbolic link in the image`)])
      }
    })
  }

  test('what is masked and protected: the masks are on the kernel’s files, whatever the image has', async () => {
    // The masks are laid after pivot_root on paths of a /proc and /sys that are mounts of ours: an image's link lies below them.
    const links = `ln -s ${CANARY}/file proc/keys; ln -s ${TARGET} proc/sys; ln -s ${TARGET} sys/firmware; ln -s ${TARGET} dev/pts`
    const script =
      'cd /proc; ls -ld keys sys /sys/firmware /dev/pts | cut -c1; grep -c "/proc/keys\\|/proc/sys\\|/sys/firmware" self/mountinfo'
    const { stdout } = await attack(links, [], script)
    expect(stdout.split('\n')).toEqual(['d', 'd', 'c', 'd', expect.stringMatching(/^[2-9]$/)])
  })

  test('/etc/passwd and /etc/group: names are looked up inside', async () => {
    writeFileSync(attacked.host.path(`${CANARY}/passwd`), 'spy:x:12345:12345::/:/bin/sh\n')
    for (const link of [`${CANARY}/passwd`, `../../..${CANARY}/passwd`, `/proc/1/root${CANARY}/passwd`]) {
      expect(await attack(`ln -sf ${link} etc/passwd`, ['-u', 'spy'], 'id')).toMatchObject({
        exitCode: 125,
        stderr: expect.stringContaining('unable to find user spy'),
      })
    }
  })

  test('/etc/passwd: is not read where reading has an effect, as of the host’s log (/proc/kmsg)', async () => {
    // The lookup may not leave the image's mount; a passwd on a volume is found all the same, by a path without links.
    const image = await attacked.prepare('ln -sf /proc/kmsg etc/passwd; ln -s passwd etc/group')
    const { stderr } = await attacked.runImage(image, ['--trace'], '/bin/busybox', 'true')
    expect(stderr).toMatch(/openat2\(.*"\/etc\/passwd".* = -1 EXDEV/)
    expect(stderr).toMatch(/openat2\(.*"\/etc\/group".* = -1 EXDEV/)
    writeFileSync(attacked.host.path('/run/volume/passwd'), 'mate:x:77:77::/:/bin/sh\n')
    const mate = ['-u', 'mate', '-v', '/run/volume/passwd:/etc/passwd']
    expect((await attacked.runImage(attacked.image, mate, '/bin/busybox', 'id', '-u')).stdout).toBe('77')
    const link = await attacked.prepare('mv etc/passwd etc/users; ln -s users etc/passwd')
    expect((await attacked.runImage(link, ['-u', 'nobody'], '/bin/busybox', 'id', '-u')).stdout).toBe('65534')
  })

  test('the program: is one of the image or none', async () => {
    // execve(2) comes after pivot_root: an absolute link begins at the container's root.
    const image = await attacked.prepare(`ln -s ${CANARY}/program program; ln -s /proc/1/root${CANARY}/program program2`)
    writeFileSync(attacked.host.path(`${CANARY}/program`), '#!/bin/sh\necho escaped\n', { mode: 0o755 })
    for (const program of ['/program', '/program2']) {
      expect(await attacked.runImage(image, [], program)).toMatchObject({ exitCode: 127, stdout: '' })
    }
  })
})

describe('a volume', () => {
  const outside = (name: string) => attacked.host.path(`/run/volume/${name}`)

  test('with links that lead out: they are the container’s own to follow', async () => {
    symlinkSync(`${CANARY}/file`, outside('absolute'))
    symlinkSync(`../..${CANARY}/file`, outside('climbing'))
    const script = 'for f in absolute climbing; do cat /data/$f; echo x > /data/$f; done 2>&1'
    const { stdout } = await attack('true', ['-v', '/run/volume:/data'], script)
    expect(stdout).not.toContain('untouched')
    expect(stdout.match(/No such file|nonexistent/g)).toHaveLength(4)
  })

  test('on a path within another volume, through a link of that one (CVE-2021-30465)', async () => {
    // Looked up inside again after the first volume is there, so its link begins at the container's root.
    symlinkSync('/', outside('root'))
    symlinkSync(CANARY, outside('out'))
    const flags = (target: string) => ['-v', '/run/volume:/data', '-v', `/run/volume/mark:/data/${target}`]
    const { stdout } = await attack('true', flags('root/made'), 'cat /made')
    expect(stdout).toBe('volume')
    expect(await attack('true', flags('out/file'), 'true')).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('/data/out') })
  })

  test('that a running container swaps for a link while another one is made with it (CVE-2021-30465)', async () => {
    // A place is opened once and mounted on by its descriptor: between the two its path may become a link as often as it likes.
    mkdirSync(outside('swapped'))
    symlinkSync(TARGET, outside('link'))
    const volume = ['-v', '/run/volume:/data']
    const swapping =
      'while true; do mv /data/swapped /data/aside; cp -P /data/link /data/swapped; rm /data/swapped; mv /data/aside /data/swapped; done'
    const { stdout: id } = await attacked.run(['-d', ...volume], '/bin/busybox', 'sh', '-c', swapping)
    const before = attacked.state().files
    const codes = new Set<number | undefined>()
    for (let round = 0; round < 8; round++) {
      codes.add((await attacked.sh([...volume, '--tmpfs', '/data/swapped/made'], 'echo escaped > /data/swapped/made/file')).exitCode)
    }
    expect((await attacked.host.drydock('rm', '-f', id)).exitCode).toBe(0)
    expect([...codes].every((code) => [0, 1, 125].includes(code as number))).toBe(true)
    expect(attacked.state().files).toEqual(before)
  })

  test('whose source is a link: it is the host’s, and shown for what it leads to', async () => {
    // As in Docker: who may name a source may name what it leads to as well. A link is read once, by open_tree(2).
    symlinkSync('/run/volume', attacked.host.path('/run/source'))
    const { stdout } = await attack('true', ['-v', '/run/source:/data:ro'], 'cat /data/mark; (: > /data/mark) 2>&1')
    expect(stdout).toMatch(/^volume\n.*Read-only file system/)
    expect(existsSync(outside('made'))).toBe(false)
  })
})
