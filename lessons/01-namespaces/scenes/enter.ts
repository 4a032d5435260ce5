/** setns: into the namespaces of a process, as docker exec does; and what keeps a namespace alive. */
import {
  child,
  clone3,
  close,
  execve,
  getpid,
  host,
  kill,
  mkdir,
  mount,
  open,
  pidfd_open,
  ref,
  sethostname,
  setns,
  uname,
} from '../../../lib/index.js'
import { readNamespaces } from '../../../lib/kernel/proc/namespaces.js'
import { processesIn } from '../../../lib/kernel/proc/processes.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { compare, ENVIRONMENT, namespacesOf, newName, PROC_FLAGS, procOf } from '../looks.js'

const KEPT = '/run/kept'

export async function backIn(stage: Stage): Promise<void> {
  const { bottle } = stage
  const root = procOf(bottle)
  const name = newName('whale')
  const first = await stage.box('container')
  await first.together('A container, with calls that you know', [
    clone3(['uts', 'ipc', 'net', 'pid', 'mnt']),
    sethostname(name),
    mount(null, '/', null, ['rec', 'private']),
    mount('proc', '/proc', 'proc', PROC_FLAGS),
    execve('/bin/sleep', ['sleep', '1000']),
  ])
  const target = first.childPid as number

  const second = await stage.box('visitor')
  await second.step(
    host(pidfd_open(target, { keep: 'target', why: 'a descriptor goes on meaning this process; a number may come to mean another' })),
    host(setns(ref('target'), ['pid'], { why: 'for children to come, as you have seen with unshare' })),
    clone3([], { why: 'the visitor is born in the container’s pid namespace; in all else it is still outside' }),
  )
  const numbers = ['1', '2', String(second.childPid)] as const
  await stage.predict({
    question: 'sleep is process 1 of the container. Which number does the visitor have in there?',
    choices: numbers,
    async measure() {
      const [asked] = await second.step(getpid({ why: 'what is my number?' }))
      return String(asked?.ret)
    },
    because: 'It is the second process that was born in this namespace.',
  })
  await second.step(
    setns(ref('target'), ['uts', 'ipc', 'net', 'mnt'], { why: 'all the others at once: the visitor is in every one of them, or in none' }),
  )
  await stage.look('The visitor beside the container', () =>
    compare('container', namespacesOf(bottle, target), 'visitor', namespacesOf(bottle, second.childPid as number)),
  )
  await stage.say('The same numbers in every row. There is nothing else to being inside.')
  await stage.shell(second, [
    { command: 'ls /proc', why: 'sleep, the visitor, and your shell' },
    { command: 'uname -n; ls -l /proc/1/ns', why: 'the container’s name, and its list' },
  ])

  await second.together('The bottle keeps a handle on the uts namespace: its link, mounted on a file', [
    ...host([
      mkdir(KEPT),
      open(`${KEPT}/uts`, ['creat', 'wronly'], { keep: 'handle' }),
      close(ref('handle')),
      mount(`/proc/${target}/ns/uts`, `${KEPT}/uts`, null, ['bind']),
    ]),
  ])
  const uts = readNamespaces(target, root)?.uts as number
  await second.step(
    execve('/bin/sh', ['sh', '-c', 'echo "on $(uname -n), I see:" /proc/[0-9]*'], ENVIRONMENT, { why: 'what docker exec does in the end' }),
  )
  await second.exited()
  await first.step(host(kill(child, 'kill', { why: 'the container ends' })))
  await first.exited()

  await stage.look(`Processes in the uts namespace ${uts}`, () => [
    { label: 'now', value: String(processesIn('uts', uts, root).length), notice: true },
  ])
  const left = ['gone, with its last process', `still there, and still called ${name}`] as const
  await stage.predict({
    question: `No process is left in the container’s uts namespace; its link is still mounted on \`${KEPT}/uts\`. What has become of the namespace?`,
    choices: left,
    async measure() {
      const third = await stage.box('archaeologist')
      const results = await third.step(
        host(open(`${KEPT}/uts`, ['rdonly'], { keep: 'kept', why: 'the file is a door' })),
        host(setns(ref('kept'), ['uts'], { why: 'and the shim goes through it' })),
        host(uname({ why: 'what is written on the other side?' })),
      )
      const [answer] = results.slice(-1)
      return answer && textOf({ ...answer, ret: 390n }).includes(name) ? left[1] : left[0]
    },
    because: 'A namespace ends when nothing holds it any more: no process, no open descriptor, no mount.',
  })
  await stage.exercise('enter')
}
