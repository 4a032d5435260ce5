/** `drydock run --step`: a real run, one call at a time, with the tutor's view of each. */

import { openTerminal } from '../bottle/terminal.js'
import { loneShim } from '../kernel/lone.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import { StageBox } from '../tutor/box.js'
import { Display } from '../tutor/display.js'
import type { Guide } from '../tutor/guide.js'
import type { Place } from '../tutor/host-pid.js'
import { Progress } from '../tutor/progress.js'
import { AutoGuide } from '../tutor/stage-auto.js'
import { InteractiveGuide } from '../tutor/stage-interactive.js'

/** This very host: its own numbers of processes, and shims beside the one that is stepped. */
const HERE: Place = {
  kind: 'host',
  pid: process.pid,
  hostPid: (pid) => pid,
  shim: loneShim,
  terminal: (size) => openTerminal(size, [], []),
}

export interface Stepping {
  attempt(steps: readonly Step[]): Promise<Result[]>
}

/** Without a terminal there is nobody to wait for: the calls are shown as they are made. */
export function stepping(shim: Shim): Stepping {
  const display = new Display()
  const leader: Guide =
    display.isTerminal && process.stdin.isTTY ? new InteractiveGuide(display, new Progress(() => undefined)) : new AutoGuide(display)
  const turns = { boxes: 1, last: undefined }
  const box = new StageBox('container', shim, { place: HERE, display, guide: lettingGo(leader), turns, ownStreams: true })
  return {
    attempt: async (steps) => {
      try {
        return await box.attempt(steps)
      } finally {
        leader.leave()
      }
    },
  }
}

/** From the execve on, keys are the container's: what is typed while the call is still being shown must not be taken for ours. */
function lettingGo(leader: Guide): Guide {
  return {
    auto: leader.auto,
    scene: (heading) => leader.scene(heading),
    read: (more) => leader.read(more),
    predict: (question) => leader.predict(question),
    shell: (box, suggestions) => leader.shell(box, suggestions),
    exercise: (lesson, exercise) => leader.exercise(lesson, exercise),
    stumbled: (heading) => leader.stumbled(heading),
    leave: () => leader.leave(),
    before: async (box, act) => {
      await leader.before(box, act)
      if (act.steps.some(({ call }) => call.startsWith('execve'))) leader.leave()
    },
  }
}
