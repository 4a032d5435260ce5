/** Attacks on the program that makes the container, on processes of the host, and on the terminal in front of it. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { errnoOf, SHIM_PATH, SYSCALLS } from '../../lib/kernel/constants.js'
import { AttackedHost, CANARY, ESCAPE_NEEDS } from '../support/escape.js'
import { type Call, exitWithErrnoOfLast, writeProgram } from '../support/program.js'
import { missing, requires } from '../support/requires.js'
import { TerminalSession } from '../support/terminal.js'

const test = requires(...ESCAPE_NEEDS)

let attacked: AttackedHost
beforeAll(async () => {
  if (missing(ESCAPE_NEEDS).length > 0) return
  attacked = await AttackedHost.open()
})
afterAll(() => attacked?.close())

describe('the file of the program that makes containers (CVE-2019-5736)', () => {
  const shim = () => [createHash('sha256').update(readFileSync(SHIM_PATH)).digest('hex'), statSync(SHIM_PATH, { bigint: true }).ctimeNs]
  /** Every way to write to a running program: append, cut, copy over, open first and write by the descriptor. */
  const overwrite = (exe: string) =>
    [
      `echo x >> ${exe}`,
      `: > ${exe}`,
      `cp /bin/busybox ${exe}`,
      `dd if=/bin/busybox of=${exe} conv=notrunc`,
      `exec 3< ${exe}; echo x > /proc/self/fd/3`,
      `chmod 777 ${exe}`,
    ]
      .map((attempt) => `(${attempt}) > /dev/null 2>&1 && echo "done: ${attempt}"`)
      .join('; ')

  test('an entrypoint that is /proc/self/exe: what runs, and can be attacked, is a sealed copy in memory', async () => {
    // native/seal.c: the shim has executed itself from a memfd that nobody can write, before it took any plan.
    const before = shim()
    const { stdout } = await attacked.run(
      ['--entrypoint', '/proc/self/exe'],
      ...['--init', '--', 'sh', '-c', `readlink /proc/1/exe; ${overwrite('/proc/1/exe')}; true`],
    )
    expect(stdout.split('\n')[0]).toMatch(/^\/memfd:.* \(deleted\)$/)
    // A mode is a memfd's own like any file's, and says nothing of the seals.
    expect(
      stdout
        .split('\n')
        .slice(1)
        .filter((line) => !line.includes('chmod')),
    ).toEqual([])
    expect(shim()).toEqual(before)
  })

  test('a script whose interpreter is /proc/self/exe, or a link to it', async () => {
    const before = shim()
    const image = await attacked.prepare('printf "#!/proc/self/exe --version\\n" > script; chmod 755 script; ln -s /proc/self/exe entry')
    for (const argv of [['/script'], ['/entry', '--version']]) {
      expect(await attacked.runImage(image, [], ...argv)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('drydock shim') })
    }
    expect(shim()).toEqual(before)
  })

  test('--init: the first process runs from the host’s file, on a mount that cannot be written', async () => {
    const before = shim()
    const { stdout } = await attacked.sh(
      ['--init'],
      `readlink /proc/1/exe; ${overwrite('/proc/1/exe')}; ${overwrite('/dev/init')}; for c in "rm /dev/init" "mv /dev/init /dev/x" "umount /dev/init" "mount -o remount,rw,bind /dev/init"; do $c 2>/dev/null && echo "done: $c"; done; true`,
    )
    expect(stdout).toBe('/dev/init')
    expect(shim()).toEqual(before)
  })
})

describe('descriptors', () => {
  for (const [what, flags] of Object.entries({
    'by default': [],
    'with input': ['-i'],
    'with a volume, a file, a user, a directory of its own': ['-v', '/run/images:/data', '-u', '65534', '-w', '/tmp/made'],
    'with limits': ['--memory', '32m', '--pids-limit', '10'],
    'of the host’s network': ['--network', 'host'],
    'with everything': ['--privileged'],
  })) {
    test(`${what}: the three that it should have, none of a directory (CVE-2024-21626)`, async () => {
      // All of the shim's are close-on-exec; the plan's close_range(3) comes last before execve(2).
      const { fds } = await attacked.probe(flags)
      expect(fds.map(({ fd }: { fd: number }) => fd)).toEqual([0, 1, 2])
      for (const { target } of fds) expect(target).toMatch(/^(pipe:\[\d+\]|\/dev\/null)$/)
    })
  }

  test('of the first process with --init, likewise', async () => {
    const { stdout } = await attacked.sh(['--init'], 'for fd in /proc/1/fd/*; do readlink $fd; done')
    for (const target of stdout.split('\n')) expect(target).toMatch(/^(pipe:\[\d+\]|\/dev\/null|anon_inode:.*)$/)
  })

  test('are no working directory: -w /proc/self/fd/N and what else jumps (CVE-2024-21626)', async () => {
    // The directory is looked up without the links of /proc that jump; chdir(2) comes after pivot_root, and the old root is gone.
    const before = attacked.state()
    const places = [
      ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((fd) => `/proc/self/fd/${fd}`),
      '/proc/self/fd/7/../../../..',
      '/proc/1/cwd',
      '/proc/self/root/..',
    ]
    for (const place of places) {
      const { exitCode, stdout, stderr } = await attacked.run(['-w', place], 'sh', '-c', `pwd -P; ls -d .${CANARY} ../../..${CANARY}`)
      if (exitCode === 1) expect(stdout, place).toMatch(/^\/[^(]*$/)
      else
        expect([exitCode, stderr.split('\n')[0]], place).toEqual([expect.toBeOneOf([125, 126, 127]), expect.stringMatching(/^drydock: /)])
    }
    expect(attacked.state()).toEqual(before)
  })
})

describe('processes of the host', () => {
  test('are not seen, signalled or traced by root inside', async () => {
    // A pid namespace: no number inside means a process outside. kill(-1) is everybody inside.
    const victim = await attacked.host.run(['sh', '-c', 'sleep 1000 > /dev/null 2>&1 & echo $!'])
    const pid = victim.stdout
    const seen = await attacked.probe([])
    expect(seen).toMatchObject({ pid: 1, ppid: 0, nsPid: [1] })
    const { stdout } = await attacked.sh(
      [],
      `ls -d /proc/[0-9]* | wc -l; for p in ${pid} ${attacked.host.pid} 2; do kill -9 $p 2>&1; done; ls -d /proc/${pid} 2>&1; tr "\\0" "\\n" < /proc/1/environ | cut -d= -f1 | sort | tr "\\n" " "; ls /proc/1/root${CANARY} 2>&1`,
    )
    const [count, ...rest] = stdout.split('\n')
    expect(Number(count)).toBeLessThanOrEqual(3)
    expect(
      rest.slice(0, -1).every((line) => /No such (process|file)/.test(line)),
      stdout,
    ).toBe(true)
    expect(rest.at(-1)).toMatch(/^HOME HOSTNAME PATH( PWD)?( SHLVL)? ls: .*No such file/)
    expect((await attacked.sh([], 'sleep 1000 & kill -9 -1; wait $!')).exitCode).toBe(137)
    expect(existsSync(attacked.host.path(`/proc/${pid}`))).toBe(true)
    await attacked.host.run(['kill', pid])
  })

  test('have no socket inside that a container on the host’s network could speak to (CVE-2020-15257)', async () => {
    // Abstract sockets belong to the network namespace. Ours have a path, and no container has that path.
    const { stdout } = await attacked.sh(['--network', 'host'], 'grep -c "@" /proc/net/unix; ls /run/drydock 2>&1')
    expect(stdout).toMatch(/^0\n.*No such file/)
  })

  test('share no memory and no queue with it', async () => {
    writeFileSync(attacked.host.path('/dev/shm/drydock-canary'), 'secret')
    const { stdout } = await attacked.sh([], 'ls /dev/shm /dev/mqueue; readlink /proc/self/ns/ipc')
    await attacked.host.run(['rm', '/dev/shm/drydock-canary'])
    expect(stdout).not.toContain('canary')
    expect(stdout).not.toContain((await attacked.host.run(['readlink', '/proc/self/ns/ipc'])).stdout)
  })
})

requires(...ESCAPE_NEEDS, 'kernel>=5.18')(
  'keys of whoever started the container: are not in its reach, with no filter either',
  async () => {
    // Keys are in no namespace. The plan's keyctl(KEYCTL_JOIN_SESSION_KEYRING) leaves the caller's keyring behind; Docker does the same.
    const { keyctl = 0, add_key = 0, execve = 0 } = SYSCALLS
    const SESSION = -3
    const find = exitWithErrnoOfLast([[keyctl, 10, SESSION, 'user', 'drydock-canary', 0]]) // KEYCTL_SEARCH
    writeProgram(`${attacked.image}/bin/find`, find)
    writeProgram(attacked.host.path('/run/find'), find)
    // A session with a key in it, and then the script: neither argument list nor environment, which Linux takes since 5.18.
    const login: Call[] = [
      [keyctl, 1, 0], // KEYCTL_JOIN_SESSION_KEYRING
      [add_key, 'user', 'drydock-canary', 'secret', 6, SESSION],
      [execve, '/run/session.sh', 0, 0],
    ]
    writeProgram(attacked.host.path('/run/login'), exitWithErrnoOfLast(login))
    const words = (flags: readonly string[]) =>
      attacked
        .commandLine(flags, '/bin/find')
        .map((word) => `'${word}'`)
        .join(' ')
    const script = ['/run/find', words(['--security-opt', 'seccomp=unconfined']), words(['--privileged']), words([])]
    const text = `#!/bin/sh\nPATH=${process.env.PATH}; export PATH\n${script.map((line) => `${line} < /dev/null; echo $?`).join('\n')}\n`
    writeFileSync(attacked.host.path('/run/session.sh'), text, { mode: 0o755 })
    const { stdout } = await attacked.host.run(['/run/login'])
    expect(stdout.split('\n').map((status) => errnoOf(Number(status)).name)).toEqual([errnoOf(0).name, 'ENOKEY', 'ENOKEY', 'EPERM'])
  },
)

describe('the terminal in front of drydock', () => {
  test('is not the container’s: what is pushed into its input does not come out at the caller’s (TIOCSTI, CVE-2016-7545)', async () => {
    // The container's is a terminal of its own devpts; only bytes go between the two, through the shim and drydock.
    const { ioctl = 0 } = SYSCALLS
    writeProgram(`${attacked.image}/bin/push`, exitWithErrnoOfLast([...'id\n'].map((key) => [ioctl, 0, 0x5412, key] as const)))
    const script = 'tty; ls /dev/pts | tr "\\n" " "; push; push < /dev/tty; push < /dev/console; echo "tried"'
    const quoted = attacked.commandLine(['-it'], 'sh', '-c', script).map((word) => `'${word}'`)
    const [file, ...args] = attacked.host.enter(['sh', '-c', `${quoted.join(' ')}; echo ready; read line; echo "got: $line."; read end`])
    const session = new TerminalSession(file as string, args)
    expect(await session.see('tried')).toMatch(/\/dev\/pts\/0\n0 ptmx /)
    await session.see('ready')
    session.type('mine\n')
    // The shell stays until that has been seen: what a program says last, right before its end, may be lost on the way through the terminal.
    await session.see('got: mine.')
    session.type('\n')
    expect(await session.ended()).toBe(0)
  })

  test('cannot be reached by a container without one, though drydock has it', async () => {
    const quoted = attacked.commandLine(['-i'], '/bin/probe', '--probe').map((word) => `'${word}'`)
    const [file, ...args] = attacked.host.enter(['sh', '-c', `${quoted.join(' ')} > /run/seen`])
    const session = new TerminalSession(file as string, args)
    expect(await session.ended()).toBe(0)
    const seen = JSON.parse(readFileSync(attacked.host.path('/run/seen'), 'utf8'))
    expect(seen).toMatchObject({ terminal: null, sid: 1, pgid: 1 })
    expect(seen.fds.every(({ target }: { target: string }) => target.startsWith('pipe:'))).toBe(true)
  })
})
