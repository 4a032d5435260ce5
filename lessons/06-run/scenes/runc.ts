/** The same program by runc (or crun), with strace as the witness: both lists, counted. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { clone3, execve } from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { newName } from '../../01-namespaces/looks.js'
import { build, buildHull } from '../container.js'

const BUNDLE = '/bundle'
const TRACE = '/tmp/trace'
const ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin']

/** One thing that is done, and the calls by which it can be. */
const DEEDS: readonly (readonly [what: string, ...calls: string[]])[] = [
  ['new processes', 'clone', 'clone3', 'fork', 'vfork'],
  ['unshare', 'unshare'],
  ['setns', 'setns'],
  ['mounts', 'mount', 'move_mount', 'fsmount', 'mount_setattr'],
  ['pivot_root', 'pivot_root'],
  ['umount2', 'umount2'],
  ['device nodes', 'mknod', 'mknodat'],
  ['host name', 'sethostname'],
  ['setsid', 'setsid'],
  ['prctl', 'prctl'],
  ['capset', 'capset'],
  ['user and groups', 'setuid', 'setgid', 'setresuid', 'setresgid', 'setgroups'],
  ['seccomp', 'seccomp'],
  ['execve', 'execve', 'execveat'],
]

/** What a program in Go does to itself, container or not. */
const HOUSEKEEPING = [
  'futex',
  'rt_sigaction',
  'rt_sigprocmask',
  'mmap',
  'epoll_pwait',
  'nanosleep',
  'tgkill',
  'rt_sigreturn',
  'sigaltstack',
  'madvise',
]

export async function besideRunc(stage: Stage): Promise<void> {
  const { bottle } = stage
  const runtime = ['runc', 'crun'].find((name) => findCommand(name) !== undefined) as string
  // A bottle may open no more devices than it was given, and runc asks for some; with this it goes on when a cgroup refuses.
  const tolerant = runtime === 'runc' ? ' --rootless=true' : ''
  buildHull(bottle)
  mkdirSync(bottle.hostPath(BUNDLE))
  buildHull(bottle, `${BUNDLE}/rootfs`)
  const shell = async (name: string, command: string) => {
    const box = await stage.box(name)
    await box.together(command, [clone3([]), execve('/bin/sh', ['sh', '-c', command], ENVIRONMENT)])
    const { code } = await box.exited()
    if (code !== 0) throw new DrydockError(`${command} ended with ${code}: ${box.output().trim()}`)
  }
  await stage.say(
    `${runtime} wants a directory with the root and a file that says all the rest, \`config.json\`. It writes an example itself; we change two things in it: no terminal, and the program is \`true\`.`,
  )
  await shell('spec', `cd ${BUNDLE} && ${runtime} spec`)
  const path = bottle.hostPath(`${BUNDLE}/config.json`)
  const config = JSON.parse(readFileSync(path, 'utf8'))
  Object.assign(config.process, { terminal: false, args: ['/bin/true'] })
  writeFileSync(path, JSON.stringify(config))
  await shell(
    'witness',
    `strace -f -qq -e signal=none -o ${TRACE} ${runtime}${tolerant} --root /run/${runtime} run -b ${BUNDLE} ${newName('box')}`,
  )

  const lines = readFileSync(bottle.hostPath(TRACE), 'utf8').split('\n')
  const theirs = lines.flatMap((line) => /^(?:\d+ +)?(\w+)\(/.exec(line)?.[1] ?? [])
  const { steps } = await build(bottle, { argv: ['/bin/true'], hostname: 'ship' })
  const ours = steps.map(({ call }) => call)
  const choices = ['about as many', 'some three times as many', 'ten times as many, or more'] as const
  await stage.predict({
    question: `The plan of drydock has ${ours.length} calls. How many did strace see of ${runtime} and its processes?`,
    choices,
    measure: async () => choices[[2, 6].findIndex((times) => theirs.length < times * ours.length)] ?? choices[2],
    because: `${theirs.length}. Most of them have nothing to do with containers, as you will see.`,
  })
  await stage.look(`Calls that make a container: in drydock’s plan, and seen of ${runtime}`, () => rows(ours, theirs))
  await stage.look('And all calls', () => [
    { label: 'drydock’s plan', value: String(ours.length) },
    { label: runtime, value: String(theirs.length), notice: true },
    { label: '  its processes and threads', value: String(new Set(lines.map((line) => /^\d+/.exec(line)?.[0]).filter(Boolean)).size) },
    { label: '  housekeeping of its own', value: String(theirs.filter((call) => HOUSEKEEPING.includes(call)).length) },
    { label: '  most of them', value: most(theirs) },
  ])
}

function rows(ours: readonly string[], theirs: readonly string[]): LookRow[] {
  return DEEDS.map(([what, ...calls]) => {
    const count = (list: readonly string[]) => list.filter((call) => calls.includes(call)).length
    const [one, other] = [count(ours), count(theirs)]
    return { label: what, value: `${String(one).padStart(3)} : ${other}`, notice: one > 0 !== other > 0 }
  })
}

/** `futex 812, mmap 300, …` */
function most(calls: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1)
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, 8)
    .map(([call, count]) => `${call} ${count}`)
    .join(', ')
}
