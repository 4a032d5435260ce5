/** What Docker leaves to the root of a container. */
import { type Capability, clone3 } from '../../../lib/index.js'
import {
  ALL_CAPABILITIES,
  CAPABILITY_NOTES,
  capabilities,
  capabilityName,
  dockerSets,
  lastCapability,
  resolveCapabilities,
} from '../../../lib/primitives/capabilities.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { boundOf, effectiveOf, fiveSets, statusOf } from '../looks.js'

/** Those about which people wonder. */
const TALKED_ABOUT: readonly Capability[] = ['dac_override', 'mknod', 'net_raw', 'net_admin', 'dac_read_search', 'sys_admin', 'sys_module']

export async function fourteen(stage: Stage): Promise<void> {
  const { bottle } = stage
  const last = lastCapability()
  const { capabilities: wanted } = resolveCapabilities({ available: boundOf(bottle), last })
  const box = await stage.box('container')
  const choices = ['none', String(wanted.length), String(last - 2), String(last + 1)]
  await stage.predict({
    question: `This kernel has ${last + 1} capabilities. How many of them does Docker give to the root of a container, unless it is told otherwise?`,
    choices,
    async measure() {
      await box.together('The sets of docker run: the bounding set first, then the three others', [
        clone3([]),
        ...capabilities({ ...dockerSets(wanted, 0), lastCap: last }).steps,
      ])
      return String(effectiveOf(statusOf(box)).length)
    },
    because:
      'Docker starts from a list of what to give, not of what to withhold: a capability that a new kernel invents is not given to anybody by accident.',
  })
  await stage.look('Who has what: + the container’s root has it, - it has not', () => grid(effectiveOf(statusOf(box))))
  const own = boundOf(bottle).length
  if (own <= last) {
    await stage.say(
      `The bottle’s own root has ${own} of the ${last + 1}: those that reach past every namespace (kernel modules, the clock, the power switch) are withheld from it, and what your ` +
        'machine’s root has not got here cannot be handed on.',
    )
  }
  await stage.look('Why', () =>
    TALKED_ABOUT.map((one) => {
      const { allows, container } = CAPABILITY_NOTES[one]
      return { label: capabilityName(one), value: `to ${allows}. ${container}` }
    }),
  )
  await stage.look('Its five lines', () => fiveSets(statusOf(box), ['CapBnd']))
  await stage.exercise('weakRoot')
}

/** All names, by what they are about. */
function grid(held: readonly Capability[]): LookRow[] {
  const last = lastCapability()
  const known = ALL_CAPABILITIES.slice(0, last + 1)
  const groups = [...new Set(known.map((one) => CAPABILITY_NOTES[one].group))]
  return groups.map((group) => {
    const names = known.filter((one) => CAPABILITY_NOTES[one].group === group)
    return { label: group, value: names.map((one) => `${held.includes(one) ? '+' : '-'}${one}`).join('  ') }
  })
}
