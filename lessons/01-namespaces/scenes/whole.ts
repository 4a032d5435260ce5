/** Everything at once, what the kernel knows of it, and how others do the same. */
import { existsSync } from 'node:fs'
import { child, clone3, execve, host, kill, loopbackUp, mount, sethostname } from '../../../lib/index.js'
import { differingNamespaces, type Namespaces, readNamespaces } from '../../../lib/kernel/proc/namespaces.js'
import { childrenOf, processesIn, readProcesses } from '../../../lib/kernel/proc/processes.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { compare, ENVIRONMENT, namespacesOf, newName, PROC_FLAGS } from '../looks.js'

export async function noContainer(stage: Stage): Promise<void> {
  const { bottle } = stage
  const name = newName('box')
  const box = await stage.box('container')
  await box.step(
    clone3(['uts', 'ipc', 'net', 'pid', 'mnt'], {
      why: 'a process with five tables of its own; a moment later it would be too late to ask for some of them',
    }),
    mount(null, '/', null, ['rec', 'private'], null, { why: 'what it mounts stays with it' }),
    mount('proc', '/proc', 'proc', PROC_FLAGS, null, { why: 'its own list of processes' }),
    sethostname(name, { why: 'its own name' }),
  )
  await box.together('Its own loopback, switched on', loopbackUp())
  await box.step(execve('/bin/sleep', ['sleep', '1000'], [], { why: 'and now it is a program that knows nothing of all this' }))
  await stage.look('All that makes it a container', () =>
    compare('the bottle', namespacesOf(bottle, 1), 'it', namespacesOf(bottle, box.childPid as number)),
  )
  const inode = readNamespaces(box.hostPid())?.pid as number
  await box.step(host(kill(child, 'kill', { why: 'and this is how it is removed' })))
  await box.exited()
  await stage.look('Left of it', () => [{ label: 'processes', value: String(processesIn('pid', inode).length), notice: true }])

  await withUnshare(stage)
  await stage.look('Containers of Docker, containerd or podman on your machine', () => {
    const rows = containersHere()
    return rows.length > 0 ? rows : [{ label: 'now', value: 'none that this user can see' }]
  })
}

/** The same with a program that every distribution has; strace, where it is installed, shows its calls. */
async function withUnshare(stage: Stage): Promise<void> {
  const has = (program: string) =>
    ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((place) => existsSync(stage.bottle.hostPath(`${place}/${program}`)))
  if (!has('unshare'))
    return stage.say('The program `unshare` of util-linux is not installed here; it would make the same calls from the shell.')
  const options = '--uts --ipc --net --pid --mount --fork --mount-proc'
  const traced = 'strace -f -qq -e signal=none -e trace=unshare,mount,clone,clone3,fork,vfork'
  const box = await stage.box('unshare')
  const command = `unshare ${options} sh -c 'echo "process $$ of:" /proc/[0-9]*'`
  await stage.say(`The same with \`unshare\`${has('strace') ? ', and `strace` writes down the calls that it makes' : ''}:`)
  await box.together(command, [clone3([]), execve('/bin/sh', ['sh', '-c', has('strace') ? `${traced} ${command}` : command], ENVIRONMENT)])
  await box.exited()
}

/** Programs that stand between an engine and the containers that it has started. */
const MONITORS = /^(containerd-shim|conmon|crio-conmon)/

function containersHere(): LookRow[] {
  const processes = readProcesses()
  const monitors = processes.filter(({ comm }) => MONITORS.test(comm))
  return monitors.flatMap((monitor) =>
    childrenOf(monitor.pid, processes).map((one) => ({
      label: `pid ${one.pid}`,
      value: `${one.commandLine.join(' ') || one.comm}: ${differences(one.pid)}`,
    })),
  )
}

function differences(pid: number): string {
  let theirs: Namespaces | undefined
  try {
    theirs = readNamespaces(pid)
  } catch {
    return 'its namespaces can be read by root only'
  }
  const own = readNamespaces('self')
  const kinds = theirs && own ? differingNamespaces(own, theirs).filter((kind) => !kind.endsWith('_for_children')) : []
  return kinds.length > 0 ? `its own ${kinds.join(', ')}` : 'shares everything with you'
}
