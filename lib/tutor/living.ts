/** Where most checks begin: is the process that the learner's steps have made still there? */
import type { Trial, TrialBox } from './lesson.js'
import { printable } from './show-act.js'

/** One process by its number in the bottle and by its number on this machine. */
export interface Numbers {
  readonly inBottle: number
  readonly onMachine: number
}

/** With what it said last, when it has ended: it may well have said why. */
export async function living(trial: Trial, box: TrialBox): Promise<Numbers | undefined> {
  const { hostPid, shim } = box
  trial.expect(shim.childPid !== undefined, 'there is no process: no step of yours makes one', 1)
  if (shim.childPid === undefined) return undefined
  const exit = await box.settle()
  const how = exit && exit.signal > 0 ? `was ended by signal ${exit.signal}` : `has exited with ${exit?.code}`
  const said = printable(box.output().trim().split('\n').at(-1) ?? '')
  trial.expect(exit === undefined, `the process is not there any more: it ${how}${said && `. Its last words: ${said}`}`)
  return exit || hostPid === undefined ? undefined : { inBottle: shim.childPid, onMachine: hostPid }
}
