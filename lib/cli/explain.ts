/** `drydock run --explain`: the list of calls that would be made, phase by phase, each with its reason. */
import { PHASE } from '../container/plan.js'
import { explainLaunch, type LaunchRequest } from '../engine/launch.js'
import { showStep } from '../kernel/show.js'
import { Display } from '../tutor/display.js'

/** Where a step's words begin: behind the longest actor. */
const MARGIN = ' '.repeat(11)

export async function explain(request: LaunchRequest): Promise<number> {
  const { steps, warnings, connections } = await explainLaunch(request)
  const display = new Display()
  for (const line of connections.beforehand) display.text(`before: ${line}`, '', display.style.dim)
  let phase = ''
  for (const step of steps) {
    if (step.phase !== phase) {
      phase = step.phase
      display.line()
      display.rule(phase)
      display.text(PHASE[step.phase].why, '', display.style.dim)
    }
    const [call = ''] = showStep(step).split('(', 1)
    display.spans(
      [{ text: call, style: display.style.call }, { text: showStep(step).slice(call.length) }],
      `${display.style[step.actor](step.actor.padEnd(MARGIN.length - 1))} `,
      `${MARGIN}  `,
    )
    if (step.why) display.text(step.why, MARGIN, display.style.dim)
  }
  display.line()
  const sides = (actor: string) => steps.filter((step) => step.actor === actor).length
  display.text(`${steps.length} calls: ${sides('host')} by the host, ${sides('container')} by the container. None was made.`)
  for (const warning of warnings) display.note(`WARNING: ${warning}`)
  return 0
}
