/** The uts namespace: a copy of the host name, and what a host name is not. */
import { hostname } from 'node:os'
import { clone3, execve, sethostname, uname } from '../../../lib/index.js'
import type { Result } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { readHostname } from '../../../lib/tutor/state.js'
import { ENVIRONMENT, newName } from '../looks.js'

export async function hostName(stage: Stage): Promise<void> {
  const { bottle } = stage
  const before = await readHostname(bottle, 1)
  const box = await stage.box()
  const name = newName('box')

  const begins = ['with an empty name', 'with the name `localhost`', 'with a copy of the name that its parent has'] as const
  await stage.predict({
    question: 'The child gets a uts namespace of its own. How does that begin?',
    choices: begins,
    async measure() {
      await box.step(clone3(['uts'], { why: 'the one word that was missing before' }))
      const [asked] = await box.step(uname({ why: 'what does the child read before anybody has set a name?' }))
      const read = nodename(asked)
      return read === before ? begins[2] : read === '' ? begins[0] : begins[1]
    },
    because: 'A new uts namespace is a copy. From here on the two go their own ways.',
  })
  await box.step(sethostname(name, { why: 'the same call as before; this time the table is the child’s own' }))
  await stage.look('Who is called what now', async () => [
    { label: 'the child', value: String(await readHostname(bottle, box.childPid as number)), notice: true },
    { label: 'the bottle', value: String(await readHostname(bottle, 1)) },
    { label: 'your machine', value: hostname() },
  ])

  const asker = await stage.box('asker')
  const answers = ['an address', 'none: nobody knows that name'] as const
  await stage.predict({
    question: `Another process of the bottle looks up the name \`${name}\`, as \`ping\` would. What does it get?`,
    choices: answers,
    async measure() {
      const look = `getent hosts ${name} || grep -w ${name} /etc/hosts || echo 'nobody knows ${name}'`
      await asker.together(`A process that asks the resolver, then a file: sh -c "${look}"`, [
        clone3([]),
        execve('/bin/sh', ['sh', '-c', look], ENVIRONMENT),
      ])
      await asker.exited()
      return asker.output().includes('nobody knows') ? answers[1] : answers[0]
    },
    because:
      'sethostname changes a string in a table, and tells no one. That containers of one Docker network find each other by name is the work of a ' +
      'DNS server in the engine, which it tells the names to.',
  })
  await stage.shell(box, [
    { command: 'uname -n', why: 'the name, read by the same call' },
    { command: 'cat /proc/sys/kernel/hostname', why: 'the name as a file: it shows the uts namespace of whoever reads it' },
    { command: 'ls -l /proc/self/ns/uts', why: 'the number of the table; compare it with the same command outside' },
  ])
  await stage.exercise('hostname')
}

/** The second of the six strings of 65 bytes in struct utsname, uname(2). */
function nodename(result: Result | undefined): string {
  return (result?.outs[0]?.subarray(65, 130).toString() ?? '').replace(/\0.*$/s, '')
}
