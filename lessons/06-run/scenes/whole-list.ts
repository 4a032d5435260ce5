/** The plan of a whole container, as a list: how long, in which phases, and who has explained what of it. */

import { meetBefore, PHASES } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { type Built, build, buildHull, lessonsOf, of } from '../container.js'

export async function wholeList(stage: Stage): Promise<void> {
  buildHull(stage.bottle)
  const built = await build(stage.bottle, { argv: ['/bin/true'], hostname: 'ship' })
  const { fragments, steps } = built
  await stage.look('What goes in: a fragment from each primitive', () =>
    fragments.map(({ primitive, title }) => ({ label: primitive, value: title })),
  )
  const choices = ['fewer than 20', 'between 20 and 100', 'between 100 and 500', 'more than 500'] as const
  await stage.predict({
    question: 'How many system calls does it take to make a container and have it execute `true`?',
    choices,
    measure: async () => choices[[20, 100, 500].findIndex((most) => steps.length < most)] ?? choices[3],
    because: `${steps.length} here. Most of them are the same few: a directory, a file, a mount. None of them is called “container”.`,
  })
  await stage.look('How many each fragment has brought', () =>
    fragments.map(({ primitive, steps: own }) => ({ label: primitive, value: String(own.length) })),
  )
  await stage.look('The plan, phase by phase', () => phaseRows(built))
  await stage.look('Who has explained them', () => lessonRows(built))
  await stage.look('The phase that changes the world, word for word', () =>
    of(steps, 'root').map((step) => ({ label: step.actor, value: showStep(step) })),
  )
  await aContainer(stage, built)
}

/** It is only a list until somebody makes the calls. */
async function aContainer(stage: Stage, { steps, beforehand, streams }: Built): Promise<void> {
  const box = await stage.box('container', { ownMonitor: true })
  if (beforehand.length > 0) await box.together('A bridge, which all containers of a host share (lesson 5)', beforehand)
  const [first, rest] = meetBefore('filter', steps)
  await box.together('The list, up to the filter', first)
  await box.shim.monitor(streams.monitor)
  await box.together('And its end', rest)
  const { code } = await box.exited()
  await stage.look('What is left of it', () => [{ label: 'exit code of true', value: String(code), notice: true }])
}

function phaseRows({ fragments, steps }: Built): LookRow[] {
  const lessons = lessonsOf(fragments)
  return PHASES.flatMap(({ name }): LookRow[] => {
    const own = of(steps, name)
    if (own.length === 0) return []
    const taught = [...new Set(own.map((step) => lessons.get(step) ?? 6))].sort()
    return [{ label: name, value: `${String(own.length).padStart(3)}  ${counted(own.map(({ call }) => call))} [${taught.join(', ')}]` }]
  })
}

const TITLES = ['', 'namespaces, the process, its name', 'limits', 'rights and filter', 'root file system', 'network', 'new in this one']

function lessonRows({ fragments, steps }: Built): LookRow[] {
  const lessons = lessonsOf(fragments)
  const numbers = [...new Set(lessons.values())].sort()
  return numbers.map((number) => ({
    label: `lesson ${number}`,
    value: `${String(steps.filter((step) => lessons.get(step) === number).length).padStart(3)}  ${TITLES[number]}`,
    notice: number === 6,
  }))
}

/** `3 mount, 2 openat` */
export function counted(calls: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1)
  return [...counts].map(([call, count]) => (count > 1 ? `${count} ${call}` : call)).join(', ')
}
