/** A child for which nobody asks for anything: it shares every namespace with its parent, and what it changes they all see. */
import { hostname } from 'node:os'
import { clone3, sethostname } from '../../../lib/index.js'
import { differingNamespaces } from '../../../lib/kernel/proc/namespaces.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { readHostname } from '../../../lib/tutor/state.js'
import { compare, namespacesOf, newName } from '../looks.js'

export async function everyProcess(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  const both = () => [namespacesOf(bottle, box.shim.pid), namespacesOf(bottle, box.childPid as number)] as const

  const choices = ['in none: it is an ordinary process', 'in new ones, one of each kind', 'in the very same ones as the shim'] as const
  await stage.predict({
    question: 'The shim makes a child and asks for nothing special. In which namespaces is the child?',
    choices,
    async measure() {
      await box.step(clone3([], { why: 'no word for any namespace: an ordinary new process' }))
      const [shim, child] = both()
      if (Object.keys(child).length === 0) return choices[0]
      return differingNamespaces(shim, child).length > 0 ? choices[1] : choices[2]
    },
    because: `A process is in one namespace of each kind, always. Where nobody says otherwise it is in its parent’s.`,
  })
  await stage.look('The links in /proc/PID/ns of both', () => compare('shim', both()[0], 'child', both()[1]))

  const name = newName('oops')
  const who = ['only the child', 'the child and the shim: all of the bottle', 'the child, the shim, and your machine too'] as const
  await stage.predict({
    question: `The child calls itself \`${name}\`. Who has a new host name then?`,
    choices: who,
    async measure() {
      await box.step(sethostname(name, { why: 'a process without a uts namespace of its own renames what it is in' }))
      if (hostname() === name) return who[2]
      return (await readHostname(bottle, box.shim.pid)) === name ? who[1] : who[0]
    },
    because:
      'The name is not the child’s. It stands in a table that the child shares with the shim. Your machine kept its name for one reason ' +
      'only: the bottle was made with a uts namespace of its own.',
  })
}
