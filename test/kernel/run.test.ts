/** `drydock run` as a person types it: what the container sees, what it ends with, and that nothing is left. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect } from 'vitest'
import { DRYDOCK, onPrivateHost } from '../support/private-host.js'

const at = onPrivateHost()
const { test } = at
beforeAll(() => {
  if (!at.able) return
  writeFileSync(`${at.root.path}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/sh\n')
  writeFileSync(`${at.root.path}/etc/group`, 'root:x:0:\nwww:x:33:\nextra:x:44:www\n')
})

/** In a container that is removed, without a network. */
const run = (flags: readonly string[], ...command: string[]) =>
  at.host.drydock('run', '--rm', '--network', 'none', ...flags, '--rootfs', at.root.path, ...command)
const sh = (flags: readonly string[], script: string) => run(flags, 'sh', '-c', script)

/** What a container could leave in the private host. */
function leftovers() {
  const list = (path: string) => (existsSync(at.host.path(path)) ? readdirSync(at.host.path(path)) : [])
  return ['/run/drydock', '/var/lib/drydock/containers', '/var/lib/drydock/overlay', '/var/lib/drydock/names'].flatMap(list)
}

describe('exit codes', () => {
  for (const [what, command, code, words] of [
    ['the program’s own', ['sh', '-c', 'exit 42'], 42, ''],
    ['128 and a signal', ['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137, ''],
    ['127: no such program', ['nothing-of-the-kind'], 127, 'executable file not found in $PATH'],
    ['127: no such path', ['/bin/nothing'], 127, 'no such file or directory'],
    ['126: a directory', ['/etc'], 126, 'permission denied'],
    ['126: no execute permission', ['/etc/passwd'], 126, 'permission denied'],
  ] as const) {
    test(what, async () => {
      const { exitCode, stderr } = await run([], ...command)
      expect([exitCode, stderr]).toEqual([code, expect.stringContaining(words)])
      expect(stderr).not.toContain('    at ')
      expect(leftovers()).toEqual([])
    })
  }

  for (const [what, flags, words] of [
    ['a size that is none', ['--memory', 'much'], 'invalid argument "much" for --memory'],
    ['too little memory', ['--memory', '1m'], 'Minimum memory limit allowed is 6MB'],
    ['a volume whose source is missing', ['-v', '/no/such:/x'], 'bind source path does not exist: /no/such'],
    ['an unknown capability', ['--cap-add', 'FLY'], 'unknown capability: "CAP_FLY"'],
    ['an unknown user', ['-u', 'nobody-here'], 'unable to find user nobody-here'],
    ['a working directory that is a file', ['-w', '/etc/passwd'], 'is not a directory inside'],
    ['a mount on a file’s place', ['--tmpfs', '/etc/passwd'], 'is not a directory inside'],
    ['more processors than there are', ['--cpus', '4096'], 'cpus can be from 0.01'],
  ] as const) {
    test(`125: ${what}`, async () => {
      const { exitCode, stderr } = await run(flags, 'true')
      expect([exitCode, stderr]).toEqual([125, expect.stringContaining(words)])
      expect(stderr.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(2)
      expect(leftovers()).toEqual([])
    })
  }

  test('125: an image that is not here', async () => {
    const { exitCode, stderr } = await at.host.drydock('run', '--rm', 'no-such-image', 'true')
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining("Unable to find image 'no-such-image:latest' locally")])
  })

  test('126: a program of another architecture', async () => {
    writeFileSync(`${at.root.path}/bin/foreign`, Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(200)]), {
      mode: 0o755,
    })
    expect(await run([], 'foreign')).toMatchObject({ exitCode: 126, stderr: expect.stringContaining('no program for this machine') })
  })
})

describe('inside', () => {
  test('stdout and stderr are apart, stdin is what was piped', async () => {
    const piped = await at.host.run(
      [process.execPath, DRYDOCK, 'run', '-i', '--rm', '--network', 'none', '--rootfs', at.root.path, 'sh', '-c', 'cat; echo err >&2'],
      { input: 'typed\n' },
    )
    expect(piped).toMatchObject({ exitCode: 0, stdout: 'typed', stderr: 'err' })
  })

  test('a signal to the client is not kept waiting by input that nobody reads', async () => {
    // The program says when it is ready; how far the client has read is in its file's position, which stands still when no more is taken.
    const script = `head -c 8M /dev/zero >/run/input
"$@" </run/input >/run/said & client=$!
until grep -q ready /run/said; do sleep 0.02; done
position() { sed -n 's/^pos:\\s*//p' /proc/$client/fdinfo/0; }
before=0; now=$(position)
until [ $now -gt 1048576 ] && [ $now = $before ]; do sleep 0.2; before=$now; now=$(position); done
[ $now -lt 8388608 ] || echo all of it was taken
kill -TERM $client
wait $client; echo "status $?"`
    const program = 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    const flags = ['-i', '--rm', '--network', 'none', '--rootfs', at.root.path]
    const client = [process.execPath, DRYDOCK, 'run', ...flags, 'sh', '-c', program]
    expect((await at.host.run(['bash', '-c', script, 'sh', ...client])).stdout).toBe('status 5')
  })

  test('without -i stdin is empty, and so nobody waits', async () => {
    expect(await run([], 'cat')).toMatchObject({ exitCode: 0, stdout: '' })
  })

  test('host name, hosts, user, groups, home, working directory, environment', async () => {
    const { stdout } = await sh(
      ['-h', 'boat', '-u', 'www', '-w', '/made/here', '-e', 'A=1', '--add-host', 'db:10.1.2.3'],
      'hostname; cat /etc/hostname; grep db /etc/hosts; id; pwd; echo $HOME $A $HOSTNAME',
    )
    expect(stdout.split('\n')).toEqual([
      'boat',
      'boat',
      '10.1.2.3\tdb',
      'uid=33(www) gid=33(www) groups=33(www),44(extra)',
      '/made/here',
      '/var/www 1 boat',
    ])
  })

  test('pid 1, with no descriptor of the host’s', async () => {
    const { stdout } = await sh([], 'echo $$; ls /proc/self/fd')
    // ls opens the directory itself.
    expect(stdout.split('\n')).toEqual(['1', '0', '1', '2', '3'])
  })

  test('a first process of drydock’s own with --init; its file cannot be written', async () => {
    const { stdout } = await sh(
      ['--init'],
      'cat /proc/1/comm; (: >> /proc/1/exe) 2>&1; grep /dev/init /proc/self/mountinfo | cut -d" " -f6',
    )
    expect(stdout).toMatch(/^\S+\n.*(Read-only file system|Text file busy)\nro/)
  })

  test('volumes, read-only ones, a file on a file, a tmpfs, a read-only root', async () => {
    const directory = at.host.path('/run/volume')
    mkdirSync(directory)
    writeFileSync(`${directory}/there`, 'from the host')
    const { stdout, exitCode } = await sh(
      [
        '-v',
        '/run/volume:/data',
        '-v',
        '/run/volume:/fixed:ro',
        '-v',
        '/run/volume/there:/etc/one',
        '--tmpfs',
        '/scratch:size=64k',
        '--read-only',
        '-v',
        'cargo:/hold',
      ],
      'cat /data/there /etc/one; echo new > /data/new; (echo x > /fixed/x) 2>&1; (echo x > /x) 2>&1; echo y > /scratch/y; echo z > /hold/z; df -k /scratch | tail -1',
    )
    expect(exitCode).toBe(0)
    expect(stdout).toContain('from the hostfrom the host')
    expect(stdout).toContain("can't create /fixed/x: Read-only file system")
    expect(stdout).toContain("can't create /x: Read-only file system")
    expect(stdout).toMatch(/ 64 /)
    expect(readFileSync(`${directory}/new`, 'utf8')).toBe('new\n')
    expect(readFileSync(at.host.path('/var/lib/drydock/volumes/cargo/_data/z'), 'utf8')).toBe('z\n')
    rmSync(directory, { recursive: true })
  })

  test('capabilities, the filter, no_new_privs, and --privileged', async () => {
    const status = async (...flags: string[]) => (await run(flags, 'cat', '/proc/self/status')).stdout
    expect(await status()).toMatch(/CapBnd:\t00000000a80425fb\n[\s\S]*NoNewPrivs:\t0\nSeccomp:\t2/)
    expect(await status('--cap-drop', 'ALL', '--cap-add', 'net_raw', '--security-opt', 'no-new-privileges')).toMatch(
      /CapEff:\t0000000000002000\n[\s\S]*NoNewPrivs:\t1/,
    )
    expect(await status('--security-opt', 'seccomp=unconfined')).toMatch(/Seccomp:\t0/)
    const all = await status('--privileged')
    expect(all).toMatch(/Seccomp:\t0/)
    expect(/CapEff:\t(\S+)/.exec(all)?.[1]).toBe(/CapBnd:\t(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  })

  test('limits', async () => {
    const { stdout } = await sh(
      ['--memory', '64m', '--pids-limit', '20', '--ulimit', 'nofile=64:128', '--shm-size', '1m'],
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; ulimit -n; df -k /dev/shm | tail -1',
    )
    expect(stdout).toMatch(/^67108864\n64\n.* 1024 /)
  })
})

describe('limits that bite', () => {
  test('processes that multiply are stopped at the limit', async () => {
    const script = 'exec 2>&1; i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo unreached'
    expect((await sh(['--pids-limit', '12'], script)).stdout).toMatch(/can't fork|Resource temporarily unavailable/)
  })

  test('one that takes more memory than it may is killed, and 137 says so', async () => {
    expect(await sh(['--memory', '16m', '--memory-swap', '16m'], 'exec busybox tail /dev/zero')).toMatchObject({ exitCode: 137 })
  })
})

describe('a container that stays', () => {
  test('keeps its layer, its log and its exit; its name is taken until it is removed', async () => {
    const flags = ['--name', 'keeper', '--network', 'none', '--rootfs', at.root.path]
    expect(
      await at.host.drydock('run', ...flags, 'sh', '-c', 'echo Happy whales ! > /tmp/myfile; echo said; rm /bin/id; exit 5'),
    ).toMatchObject({ exitCode: 5, stdout: 'said' })
    const [id] = readdirSync(at.host.path('/var/lib/drydock/containers'))
    expect(await at.host.drydock('ps', '-aq', '--no-trunc')).toMatchObject({ stdout: id })
    expect((await at.host.drydock('ps')).stdout.split('\n')).toHaveLength(1)
    expect((await at.host.drydock('ps', '-a')).stdout).toMatch(/Exited \(5\) .* keeper/)
    const diff = at.host.path(`/var/lib/drydock/overlay/${id}/diff`)
    expect(readFileSync(`${diff}/tmp/myfile`, 'utf8')).toBe('Happy whales !\n')
    const whiteout = statSync(`${diff}/bin/id`)
    expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0])
    expect(readFileSync(at.host.path(`/var/lib/drydock/containers/${id}/${id}-json.log`), 'utf8')).toContain('"log":"said\\n"')
    expect(await at.host.drydock('run', ...flags, 'true')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining(`The container name "/keeper" is already in use by container "${id}"`),
    })
    expect(await at.host.drydock('rm', 'keeper')).toMatchObject({ exitCode: 0, stdout: 'keeper' })
    expect(await at.host.drydock('rm', 'keeper')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('No such container: keeper'),
    })
    expect(leftovers()).toEqual([])
  })

  test('runs on without anybody with -d, is seen, shares its network, and is removed by force', async () => {
    const { stdout: id } = await run(['-d', '--name', 'free'], 'sleep', '1000')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect((await at.host.drydock('ps')).stdout).toMatch(/Up .* free/)
    expect(await at.host.drydock('rm', 'free')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('container is running') })
    const net = async (...flags: string[]) =>
      (await at.host.drydock('run', '--rm', ...flags, '--rootfs', at.root.path, 'sh', '-c', 'readlink /proc/self/ns/net')).stdout
    const own = await net('--network', 'container:free')
    expect(own).toMatch(/^net:/)
    expect(await net('--network', 'container:free')).toBe(own)
    expect(await net('--network', 'none')).not.toBe(own)
    expect(await net('--network', 'host')).toBe((await at.host.run(['readlink', '/proc/self/ns/net'])).stdout)
    expect(await at.host.drydock('rm', '-f', 'free')).toMatchObject({ exitCode: 0 })
    expect((await at.host.drydock('ps', '-aq')).stdout).toBe('')
    await expect.poll(leftovers).toEqual([])
  })

  test('rm -f waits for the shim, which writes down the end in the directory that goes', async () => {
    const { stdout: id } = await at.host.drydock(
      'run',
      '-d',
      '--name',
      'slow',
      '--network',
      'none',
      '--rootfs',
      at.root.path,
      'sleep',
      '1001',
    )
    const pid = await at.host.newest('sleep 1001')
    const stateOf = async (of: string) => (await at.host.run(['ps', '-o', 'stat=', '-p', of])).stdout
    const shim = (await at.host.run(['ps', '-o', 'ppid=', '-p', pid])).stdout.trim()
    await at.host.run(['kill', '-STOP', shim])
    const removed = at.host.drydock('rm', '-f', 'slow')
    await expect.poll(() => stateOf(pid)).toMatch(/^Z/)
    await sleep(500)
    expect(existsSync(at.host.path(`/var/lib/drydock/containers/${id}`))).toBe(true)
    await at.host.run(['kill', '-CONT', shim])
    expect(await removed).toMatchObject({ exitCode: 0, stderr: '' })
    await expect.poll(leftovers).toEqual([])
  })
})

describe('to see how it is done', () => {
  test('--explain prints the whole plan and makes nothing of it', async () => {
    const { stdout, exitCode } = await run(['--explain'], 'true')
    expect(exitCode).toBe(0)
    for (const words of ['clone3', 'pivot_root', 'seccomp', 'execve', 'None was made']) expect(stdout).toContain(words)
    // On the default network too, which nobody has made here yet.
    const cabled = await at.host.drydock('run', '--explain', '--rootfs', at.root.path, 'true')
    expect(cabled.stdout).toMatch(/link add veth[\s\S]*172\.17\.0\.2/)
    expect(leftovers()).toEqual([])
    expect(existsSync(at.host.path('/var/lib/drydock/networks'))).toBe(false)
  })

  test('--trace prints each call with its result, and the program’s output stays what it is', async () => {
    const { stdout, stderr } = await run(['--trace'], 'cat', '/etc/hostname')
    expect(stdout).toMatch(/^[0-9a-f]{12}$/)
    expect(stderr).toMatch(/^host {6}clone3\(.*= \d+ <0\.\d{6}>$/m)
    expect(stderr).toMatch(/^container pivot_root\("\.", "\."\) = 0/m)
    expect(stderr).toMatch(/^container execve\("\/bin\/cat".* = runs$/m)
  })
})
