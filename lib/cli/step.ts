/** `drydock run --step`: a real run, one call at a time, with the tutor's view of each. */

import { openTerminal } from '../bottle/terminal.js'
import { loneShim } from '../kernel/lone.js'
import { printable, shortened } from '../kernel/printable.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import { isToBeRecorded, Recorder } from '../trace/index.js'
import { StageBox } from '../tutor/box.js'
import { Display } from '../tutor/display.js'
import type { Guide } from '../tutor/guide.js'
import type { Place } from '../tutor/host-pid.js'
import { Progress } from '../tutor/progress.js'
import { AutoGuide } from '../tutor/stage-auto.js'
import { InteractiveGuide } from '../tutor/stage-interactive.js'
import { becameAnother } from '../tutor/words.js'

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

/** Characters. */
const LONGEST_TITLE = 200

export interface SteppingOptions {
  /** What is run, for whoever reads the record. */
  readonly title: string
  /** Also where nobody is asked and nobody watches. */
  readonly record: boolean
}

/** Without a terminal there is nobody to wait for: the calls are shown as they are made. */
export async function stepping({ title, record }: SteppingOptions): Promise<(shim: Shim) => Stepping> {
  const display = new Display()
  const auto = !(display.isTerminal && process.stdin.isTTY)
  const recorder = (await isToBeRecorded({ auto, asked: record }))
    ? new Recorder(
        { session: 'run', title: shortened(printable(title), LONGEST_TITLE), auto },
        { complain: (sentence) => display.note(sentence) },
      )
    : undefined
  const leader: Guide = auto ? new AutoGuide(display) : new InteractiveGuide(display, new Progress(() => undefined))
  const guide = lettingGo(leader)
  return (shim) => {
    const turns = { boxes: 1, last: undefined }
    const box = new StageBox('container', shim, {
      place: HERE,
      display,
      guide,
      turns,
      ownStreams: true,
      ...(recorder && { witness: recorder }),
    })
    return {
      attempt: async (steps) => {
        // It is over when the program runs, and when a call has failed. What comes after that is the container's own life.
        let over = true
        let status = 1
        try {
          const results = await box.attempt(steps)
          const executed = results.some(becameAnother)
          if (executed) status = 0
          over = executed || results.some((result) => result.status === 'failed')
          return results
        } finally {
          leader.leave()
          if (over) await recorder?.end(status)
        }
      },
    }
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
    exercise: (lesson, exercise, tried) => leader.exercise(lesson, exercise, tried),
    stumbled: (heading) => leader.stumbled(heading),
    leave: () => leader.leave(),
    before: async (box, act) => {
      await leader.before(box, act)
      if (act.steps.some(({ call }) => call.startsWith('execve'))) leader.leave()
    },
  }
}
