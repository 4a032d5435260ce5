/** Orphans are given to PID 1 of their namespace, and stay as zombies when it does not wait for them. */
import { clone3, execve, host, kill } from '../../../lib/index.js'
import { readNamespace } from '../../../lib/kernel/proc/namespaces.js'
import { child } from '../../../lib/kernel/step.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, procOf, table, tableRows, until } from '../looks.js'

export async function orphansAndZombies(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  // The subshell starts a sleep and ends; then the shell itself becomes another sleep, which waits for nobody.
  const script = '(sleep 2000 &); exec sleep 1000'
  await box.step(
    clone3(['pid'], { why: 'a namespace with a PID 1 of its own' }),
    execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT, {
      why: 'in parentheses: a subshell, which starts “sleep 2000” and ends at once; the shell then turns into “sleep 1000”',
    }),
  )
  const inode = readNamespace(box.childPid as number, 'pid', procOf(bottle)) as number
  const processes = () => table(bottle, inode)
  const orphan = () => processes().find(({ commandLine }) => commandLine.join(' ') === 'sleep 2000')
  const settled = await until('the end of the subshell', () => {
    const names = processes().map(({ commandLine }) => commandLine.join(' '))
    return names.length === 2 && names.includes('sleep 1000') && orphan()
  })

  const parents = ['nobody', 'PID 1 of the namespace: “sleep 1000”', 'PID 1 of the bottle'] as const
  await stage.predict({
    question: '“sleep 2000” was started by a subshell that has ended. Who is its parent now?',
    choices: parents,
    measure() {
      const { ppid } = orphan() ?? settled
      return Promise.resolve(ppid === box.childPid ? parents[1] : ppid === 0 ? parents[0] : parents[2])
    },
    because: 'Orphans never leave their namespace: its PID 1 adopts them, whether it knows what to do with them or not.',
  })
  await stage.look('The processes of the namespace', () => tableRows(processes()))

  const remains = ['nothing', 'a zombie'] as const
  await stage.predict({
    question: 'Now “sleep 2000” ends; we help with a signal. Its parent, “sleep 1000”, never calls wait. What remains?',
    choices: remains,
    async measure() {
      await box.step(host(kill(settled.pid, 'kill', { why: 'the shim uses the bottle’s number for it' })))
      const after = await until('the end of “sleep 2000”', () => {
        const left = processes().find(({ pid }) => pid === settled.pid)
        return left === undefined ? 'gone' : left.state === 'Z' && 'zombie'
      })
      return after === 'gone' ? remains[0] : remains[1]
    },
    because:
      'The dead process waits for somebody to ask how it ended. A server that starts helpers and never waits collects them by the thousand, until there are ' +
      'no pids left.',
  })
  await stage.look('The processes of the namespace', () => tableRows(processes()))
  await box.step(host(kill(child, 'kill', { why: 'PID 1 is the end of everything in its namespace, zombies too' })))
  await box.exited()
  await stage.look('The processes of the namespace', () => tableRows(processes()))
}
