/** `shim --probe`: the witness inside of a container. What it says is compared with what the plan did. */
import { getPriority } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { capbset_drop, set_no_new_privs, setgroups, setresgid, setresuid } from '../../lib/kernel/calls/credentials.js'
import { close, dup3, open, pipe2 } from '../../lib/kernel/calls/files.js'
import { mount, umount2 } from '../../lib/kernel/calls/mounts.js'
import { chdir, clone, execveat, setdomainname, sethostname, setsid, umask } from '../../lib/kernel/calls/process.js'
import { host, ref, type Step } from '../../lib/kernel/step.js'

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'probe-test' })
})
afterAll(() => bottle.close())

interface Attempt {
  readonly errno: string | null
  readonly allowed: boolean
}

/** Run the probe after these steps; its JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the probe's object has fifty members, each checked by what it must equal
async function probe(steps: Step[], args: string[] = [], env: string[] = []): Promise<any> {
  const shim = await bottle.shim()
  // By descriptor: the shim's file may stand where a bottle has a directory of its own, and some of these hide /proc.
  await shim.run(host([pipe2('out', 'child-out'), open('/proc/self/exe', ['path'], { keep: 'witness' })]))
  await shim.monitor({ stdout: ref('out') })
  const said: Buffer[] = []
  shim.on('output', (_, bytes) => said.push(bytes))
  const [first, ...rest] = steps
  await shim.run([
    first as Step,
    dup3(ref('child-out'), 1),
    ...host([close(ref('child-out'))]),
    ...rest,
    execveat(ref('witness'), ['witness', '--probe', ...args], env),
  ])
  const { code } = await shim.exited
  const text = Buffer.concat(said).toString()
  expect(code, text).toBe(0)
  return JSON.parse(text)
}

test('sees what the plan made', async () => {
  const seen = await probe([
    clone('pid', 'uts', 'net', 'ipc', 'mnt'),
    mount('proc', '/proc', 'proc'),
    sethostname('witness'),
    setdomainname('example'),
    setsid(),
    umask(0o27),
    chdir('/tmp'),
    set_no_new_privs(),
  ])
  expect(seen).toMatchObject({ pid: 1, ppid: 0, sid: 1, pgid: 1, uid: 0, gid: 0, hostname: 'witness', domainname: 'example' })
  expect(seen).toMatchObject({ cwd: '/tmp', umask: '0027', noNewPrivs: 1, seccomp: 0, terminal: null, errors: {} })
  expect(seen.interfaces).toMatchObject([{ name: 'lo', mac: '00:00:00:00:00:00' }])
  expect(seen.addresses).toEqual([])
  expect(seen.mountinfo.at(-1)).toMatch(/ \/proc .* - proc proc /)
  expect(seen.dev.find(({ name }: { name: string }) => name === 'null')).toMatchObject({ type: 'char', device: '1:3' })
  expect(Object.keys(seen.namespaces)).toEqual(expect.arrayContaining(['uts', 'pid', 'net', 'mnt', 'ipc', 'user', 'cgroup']))
  expect(seen.namespaces.uts).toMatch(/^uts:\[\d+\]$/)
  expect(seen.nsPid).toEqual([1])
  expect(seen.rlimits.nofile.soft).toBeGreaterThan(0)
  expect(seen.cpus.length).toBeGreaterThan(0)
})

test('sees capabilities and ids as they are after execve', async () => {
  const seen = await probe([clone('pid'), capbset_drop('net_raw'), setgroups([7, 8]), setresgid(5, 5, 5), setresuid(4, 4, 4)])
  expect(seen).toMatchObject({ uid: 4, euid: 4, suid: 4, gid: 5, egid: 5, sgid: 5, groups: [7, 8] })
  expect(seen.capabilities).toMatchObject({ permitted: '0000000000000000', effective: '0000000000000000', ambient: '0000000000000000' })
  expect(BigInt(`0x${seen.capabilities.bounding}`) & (1n << 13n)).toBe(0n)
  expect(seen.dumpable).toBe(1)
})

test('sees what can be read and written where', async () => {
  const seen = await probe([
    clone('mnt', 'pid', 'net'),
    mount('proc', '/proc', 'proc'),
    mount('nothing', '/tmp', 'tmpfs', ['rdonly']),
    mount('/dev/null', '/etc/hosts', null, ['bind']),
    mount('tmpfs', '/proc/sys', 'tmpfs', ['rdonly']),
  ])
  expect(seen.places['/tmp']).toEqual({ type: 'dir', mode: '1777', write: 'EROFS', read: null, empty: true })
  expect(seen.places['/etc/hosts']).toMatchObject({ type: 'node', read: null, empty: true })
  expect(seen.places['/proc/sys/kernel/hostname']).toBe('ENOENT')
  expect(seen.places['/etc']).toMatchObject({ type: 'dir', write: null, empty: false })
  expect(seen.hosts).toEqual([])
  expect(seen.sysctls['net/ipv4/ip_forward']).toBe('ENOENT')
  const device = (name: string) => seen.dev.find((one: { name: string }) => one.name === name)
  expect(device('null')).toMatchObject({ open: null })
  expect(device('pts/ptmx')).toMatchObject({ type: 'char', device: '5:2', mode: '0666' })
  expect(device('pts/ptmx')).not.toHaveProperty('open')
})

test('sees what comes along through an execve', async () => {
  const { inherited, sysctls } = await probe([clone('pid', 'net')])
  expect(inherited).toMatchObject({ nice: getPriority(), scheduler: 0, childSubreaper: 0, personality: '0', timerSlack: 50000 })
  expect(inherited.sessionKeyring).toMatch(/^(keyring;|E[A-Z]+$)/)
  expect(sysctls['net/ipv4/ip_forward']).toBe('0')
})

test('is valid JSON whatever its arguments and environment hold', async () => {
  const odd = ['a"b\\c', 'tab\tand\nnewline', '\u2028<&>', '']
  const seen = await probe([clone('uts')], ['--', ...odd], ['EMPTY=', `ODD=${odd.join('|')}`])
  expect(seen.argv).toEqual(['witness', '--probe', '--', ...odd])
  expect(seen.env).toEqual(['EMPTY=', `ODD=${odd.join('|')}`])
})

test('says what cannot be known', async () => {
  const seen = await probe([clone('mnt', 'pid'), umount2('/proc', ['detach'])])
  expect(seen.pid).toBe(1)
  expect(seen.mountinfo).toBeNull()
  expect(seen.errors).toMatchObject({ mountinfo: 'ENOENT', cgroup: 'ENOENT', namespaces: 'ENOENT', status: 'ENOENT', fds: 'ENOENT' })
})

test('tries what is forbidden, and changes nothing', async () => {
  const names = [sethostname('before'), setdomainname('before')]
  const root = (await probe([clone('uts', 'pid'), ...names], ['--try'])).try as Record<string, Attempt>
  for (const call of ['mount', 'unshare uts', 'sethostname', 'chroot', 'setuid', 'setns uts'])
    expect(root[call], call).toMatchObject({ allowed: true })
  const nobody = await probe([clone('uts', 'pid'), ...names, setresgid(5, 5, 5), setresuid(4, 4, 4)], ['--try'])
  const dropped = nobody.try as Record<string, Attempt>
  expect(nobody).toMatchObject({ hostname: 'before', domainname: 'before' })
  const forbidden = [
    ...['mount', 'umount2', 'pivot_root', 'fsopen', 'chroot', 'unshare uts', 'unshare net', 'setns uts', 'reboot', 'swapon', 'swapoff'],
    ...['acct', 'syslog', 'settimeofday', 'adjtimex', 'sethostname', 'setdomainname', 'setuid', 'setgid', 'setgroups', 'mknod'],
    ...['prctl capbset_drop', 'open_by_handle_at', 'socket raw', 'socket packet', 'vhangup', 'sched_setscheduler', 'setpriority'],
  ]
  for (const call of forbidden) expect(dropped[call], call).toMatchObject({ allowed: false })
})
