/** The prompt for system calls, from its terminal and from a pipe, with the kernel's own answers. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { TRACES } from '../../lib/kernel/places.js'
import { processIds } from '../../lib/kernel/proc/processes.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { Step } from '../../lib/kernel/step.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'
import { TerminalSession } from '../support/terminal.js'

const test = requires('user-namespaces')
const root = fileURLToPath(new URL('../../', import.meta.url))
const program = "import('./lib/repl/main.ts').then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))"
const argv = ['--import', 'tsx', '-e', program, '--']

const CTRL_C = '\x03'
const CTRL_D = '\x04'
const CTRL_BRACKET = '\x1d'
const UP = '\x1b[A'

let home: string
let env: NodeJS.ProcessEnv
const sessions = new Set<TerminalSession>()
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-repl-'))
  env = {
    ...process.env,
    DRYDOCK_STATE_DIR: join(home, 'state'),
    DRYDOCK_RUN_DIR: join(home, 'run'),
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  }
})
afterEach(async () => {
  for (const session of sessions) {
    session.kill()
    await session.ended()
  }
  sessions.clear()
  rmSync(home, { recursive: true })
})

function atTerminal(cols = 80): TerminalSession {
  const session = new TerminalSession(process.execPath, [...argv], { cwd: root, env, cols })
  sessions.add(session)
  return session
}

/** Type a line; returns what came before the next prompt, which is that of the actor named. */
async function enter(session: TerminalSession, line: string, actor: 'host' | 'container' = 'host'): Promise<string> {
  session.type(`${line}\r`)
  await session.see(`${line}\n`)
  const answer = await session.see(`\n${actor}`)
  await session.see('> ')
  return answer
}

/** The session's processes in all namespaces, by pid and start. Others run on this machine meanwhile, so nobody else's are looked at. */
function family(session: TerminalSession): string[] {
  const found = new Set([session.pid])
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const pid of processIds()) if (found.has(readStatus(pid)?.ppid ?? 0)) found.add(pid)
  }
  return [...found].flatMap((pid) => identity(pid) ?? [])
}

/** A pid is given away again; with the time of its start it is one process's. proc_pid_stat(5). */
function identity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${pid} started at ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

/** What is left of a session that has ended: processes, mounts, cgroups, files in its run directory. */
async function traces(session: TerminalSession, members: readonly string[]): Promise<string[]> {
  const left = () => members.filter((member) => identity(Number.parseInt(member, 10)) === member)
  for (let waited = 0; left().length > 0 && waited < 20_000; waited += 20) await new Promise((resolve) => setTimeout(resolve, 20))
  const cgroups = cgroupsOf(session)
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(home))
  const run = join(home, 'run')
  // The record of a session is there to be read when it is over.
  const files = existsSync(run) ? readdirSync(run).filter((name) => name !== TRACES) : []
  return [...left(), ...cgroups, ...mounts, ...files]
}

function cgroupsOf({ pid }: TerminalSession): string[] {
  const base = '/sys/fs/cgroup'
  const parents = ['', ...readdirSync(base)].map((name) => join(base, name, 'drydock')).filter((path) => existsSync(path))
  return parents.flatMap((path) => readdirSync(path).flatMap((name) => (name.includes(`-${pid}-`) ? [join(path, name)] : [])))
}

async function leave(session: TerminalSession): Promise<number> {
  const status = await session.ended()
  sessions.delete(session)
  return status
}

const piped = (lines: string[]) =>
  execa(process.execPath, argv, { cwd: root, env: { ...env }, input: lines.map((line) => `${line}\n`).join(''), reject: false })

describe('at a terminal', () => {
  test('builds a container one call at a time, runs a shell in it, and leaves nothing', async () => {
    const session = atTerminal()
    await session.see('host> ')
    expect(await enter(session, 'clone uts,pid,mnt', 'container')).toMatch(/= \d+, kept as child \([\d.]+\s[µm]s\)/)
    expect(await enter(session, 'sethostname box', 'container')).toMatch(/= 0 \([\d.]+\s[µm]s\)/)
    expect(await enter(session, 'mount proc /proc proc nosuid', 'container')).toMatch(/= 0/)
    const state = await enter(session, 'state', 'container')
    expect(state).toContain('host name "repl" → "box"')
    expect(state).toMatch(/uts namespace \d+ → \d+/)
    expect(state).toContain('+ mount /proc (proc, rw,nosuid')

    session.type('execve TERM=dumb /bin/sh\r')
    await session.see('first, for the terminal: setsid(), ioctl(0, tiocsctty, 0)')
    await session.see('# ')
    session.type('echo name $(hostname) pid $$ tty $([ -t 0 ] && echo yes)\r')
    await session.see('\nname box pid 1 tty yes')
    await session.see('# ')
    session.type('echo size $(stty size)\r')
    await session.see('\nsize 40 80')
    session.type('exit 3\r')
    await session.see('The program exited with 3')
    await session.see('host> ')
    expect(hostname()).not.toBe('box')
    expect(await enter(session, 'plan')).toContain('4  container execve("/bin/sh", ["/bin/sh"], ["TERM=dumb"])')
    const members = family(session)
    expect(members.length).toBeGreaterThan(4)
    session.type(CTRL_D)
    expect(await leave(session)).toBe(0)
    expect(await traces(session, members)).toEqual([])
  })

  test('explains errors, calls, words and lines', async () => {
    const session = atTerminal(120)
    await session.see('host> ')
    expect(await enter(session, 'mount x /nowhere tmpfs')).toMatch(
      /= -1 ENOENT \(No such file or directory\)[\s\S]*mount makes no directories/,
    )
    expect(await enter(session, 'mout')).toContain('! there is no call mout: did you mean mount?')
    expect(await enter(session, 'sethostname')).toContain('NAME is missing')
    expect(await enter(session, 'close <fd>')).toContain('no number is kept as <fd>')
    expect(await enter(session, 'container')).toContain('there is no container yet: clone makes one')
    expect(await enter(session, 'execve /bin/sh')).toContain('clone comes first')
    expect(await enter(session, '? mount')).toMatch(
      /int mount\(const char \*source[\s\S]*mount SOURCE TARGET TYPE \[FLAGS\] \[DATA\][\s\S]*man 2 mount/,
    )
    expect(await enter(session, '? nosuid')).toMatch(/nosuid \(mount\) +setuid/)
    expect(await enter(session, '? ENOSPC')).toMatch(/ENOSPC \(28\): No space left on device[\s\S]*clone3 +a limit in/)
    expect(await enter(session, '? mount proc /proc proc nosuid')).toContain('mount -t proc -o nosuid proc /proc')
    expect(await enter(session, '? undo')).toContain('a fresh host')
    expect(await enter(session, 'help')).toContain('Calls: accept4, bind, bpf, capget')
    session.type('quit\r')
    expect(await leave(session)).toBe(0)
  })

  test('completes, remembers, clears the line at Ctrl-C', async () => {
    const session = atTerminal()
    await session.see('host> ')
    session.type('seth')
    await session.see('seth')
    session.type('\t')
    await session.see('ostname ')
    session.type(CTRL_C)
    await session.see('^C\n')
    await session.see('host> ')
    session.type('umount2 /pro')
    await session.see('/pro')
    session.type('\t')
    await session.see('c/')
    session.type(' det')
    await session.see(' det')
    session.type('\t')
    await session.see('ach')
    session.type('\r')
    await session.see('= 0')
    await session.see('host> ')
    session.type(`${UP}\r`)
    await session.see('umount2 /proc/ detach')
    await session.see('EINVAL')
    await session.see('host> ')
    session.type(CTRL_D)
    expect(await leave(session)).toBe(0)
    expect(readFileSync(join(home, 'state', 'repl-history'), 'utf8')).toBe('umount2 /proc/ detach\n')

    const again = atTerminal()
    await again.see('host> ')
    again.type(`${UP}${CTRL_C}`)
    await again.see('umount2 /proc/ detach^C')
    await again.see('host> ')
    again.type('quit\r')
    expect(await leave(again)).toBe(0)
  })

  test('takes the terminal back from a program that does not let go, and ends a call that does not', async () => {
    const session = atTerminal()
    await session.see('host> ')
    await enter(session, 'clone pid', 'container')
    session.type('execve /bin/sleep 1000\r')
    await session.see('the container runs this program now')
    session.type(`${CTRL_C}${CTRL_BRACKET}`)
    await session.see('The program was ended by signal 9 (SIGKILL)')
    await session.see('host> ')
    session.type('nanosleep 1000000\r')
    await session.see('nanosleep 1000000\n')
    session.type(CTRL_C)
    await session.see('Interrupted')
    await session.see('host> ')
    expect(await enter(session, 'getpid')).toMatch(/= \d+/)
    session.type('quit\r')
    expect(await leave(session)).toBe(0)
  })

  test('says when the container has died, starts over, and takes the last call back', async () => {
    const session = atTerminal()
    await session.see('host> ')
    await enter(session, 'clone uts', 'container')
    expect(await enter(session, 'host kill <child> kill')).toMatch(/= 0[\s\S]*was ended by signal 9 \(SIGKILL\)/)
    await enter(session, 'clone uts', 'container')
    await enter(session, 'sethostname first', 'container')
    await enter(session, 'sethostname second', 'container')
    expect(await enter(session, 'undo', 'container')).toContain('the 2 calls before it were made again')
    expect(await enter(session, 'state', 'container')).toContain('host name "repl" → "first"')
    expect(await enter(session, 'reset')).toContain('fresh host')
    expect(await enter(session, 'plan')).toContain('No call was made yet')
    session.type('quit\r')
    expect(await leave(session)).toBe(0)
  })

  test('is killed without a trace', async () => {
    const session = atTerminal()
    await session.see('host> ')
    await enter(session, 'clone uts,net', 'container')
    const members = family(session)
    session.kill()
    await leave(session)
    expect(await traces(session, members)).toEqual([])
  })
})

describe('from a pipe', () => {
  test('obeys line by line and shows what a program writes', async () => {
    const { stdout, stderr, exitCode } = await piped([
      '# a container in five lines',
      'clone uts,pid,mnt,user',
      'host write /proc/<child>/setgroups deny',
      'host write /proc/<child>/uid_map "0 0 1"',
      'sethostname box',
      'fd = openat /etc/hostname rdonly,creat 0644',
      'close <fd>',
      'execve /bin/sh -c "uname -n; echo $$"',
      'getpid',
    ])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/write\(<file>, "deny", 4\) = 4/)
    expect(stdout).toMatch(/= \d+, kept as fd/)
    // The program prints when it wants to, which may be before its own execve is told of.
    expect(String(stdout).replace(/^ {2}= the container runs.*\n/m, '')).toMatch(/\nbox\n1\n/)
    expect(stdout).toContain('The program exited with 0')
    expect(stdout).toMatch(/host> getpid\n {2}= \d+/)
  })

  test('stops with status 1 at the first error, unless the line begins with -', async () => {
    const { stdout, stderr, exitCode } = await piped(['- rmdir /nowhere', '-mout', 'getuid', 'chdir /nowhere', 'getpid'])
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/host> getuid\n {2}= 0/)
    expect(stdout).not.toContain('getpid')
    expect(stderr).toBe('drydock: stopped at line 4: chdir /nowhere')
  })

  test('saves what was made as TypeScript that makes the same steps', async () => {
    const file = join(home, 'my-box.ts')
    const { stdout, exitCode } = await piped([
      'clone uts,pid,mnt',
      'host write /proc/<child>/oom_score_adj "100"',
      'sethostname box',
      'mount x /tmp tmpfs nosuid mode=755',
      'mkdirat /tmp/a 0700',
      'prctl capbset_drop chown',
      'prlimit64 nofile 100 200',
      'net = socket netlink raw route',
      'netlink <net> link set lo up',
      `save ${file}`,
      `- save ${file}`,
    ])
    expect(stdout).toContain(`written to ${file}`)
    expect(stdout).toContain('is there already')
    expect(exitCode).toBe(0)
    const source = readFileSync(file, 'utf8')
    expect(source).toContain("mount('x', '/tmp', 'tmpfs', ['nosuid'], 'mode=755'),")
    expect(source).toContain("mkdir('/tmp/a', 0o700),")
    expect(source).toContain("netlink(ref('net'), linkSet('lo', { up: true })),")
    const { myBox } = (await import(pathToFileURL(file).href)) as { myBox: () => Step[] }
    const steps = myBox()
    expect(steps.map(({ call }) => call)).toEqual([
      'clone3',
      'openat',
      'write',
      'close',
      'sethostname',
      'mount',
      'mkdirat',
      'prctl',
      'prlimit64',
      'socket',
      'netlink',
    ])
    expect(steps[1]).toMatchObject({ actor: 'host', keep: [{ slot: 'file' }] })
    expect(steps[8]?.args[2]).toMatchObject({ kind: 'struct' })
  })

  test('works for an ordinary user, who is root in there', async () => {
    const { stdout, exitCode } = await runAsOrdinaryUser(['node', ...argv], {
      cwd: root,
      input: 'getuid\nclone uts,pid,mnt\nsethostname box\nmount proc /proc proc nosuid\nexecve /bin/sh -c "hostname; echo $$"\n',
    })
    expect(stdout).toMatch(/getuid\n {2}= 0/)
    // The program prints when it wants to, which may be before its own execve is told of.
    expect(String(stdout).replace(/^ {2}= the container runs.*\n/m, '')).toMatch(/\nbox\n1\n/)
    expect(exitCode).toBe(0)
  })

  test('says what is wrong with its arguments', async () => {
    const { stderr, exitCode } = await execa(process.execPath, [...argv, '--nonsense'], {
      cwd: root,
      env: { ...env },
      input: '',
      reject: false,
    })
    expect(exitCode).toBe(1)
    expect(stderr).toContain("unknown option '--nonsense'")
  })
})
