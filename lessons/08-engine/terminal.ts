/** A program in a box that sits at a terminal, and somebody who types at it. */
import { stripVTControlCharacters } from 'node:util'
import { clone3, type Step } from '../../lib/index.js'
import { stdio } from '../../lib/primitives/stdio.js'
import type { Box, Stage } from '../../lib/tutor/lesson.js'
import { until } from '../01-namespaces/looks.js'

const SIZE = { rows: 24, columns: 80 } as const

export interface Seat {
  readonly box: Box
  /** Type a line, and wait until these words were printed after it. */
  type(line: string, words: string | RegExp): Promise<void>
  /** Wait until these words were printed since the last line was typed. */
  see(words: string | RegExp): Promise<void>
}

/** The prompt of a shell that waits for a line. */
export const PROMPT = /[#$] $/

/** `command`: what is typed for it; `program`: an execve. */
export async function atTerminal(stage: Stage, name: string, command: string, program: Step): Promise<Seat> {
  const box = await stage.box(name, { ownMonitor: true })
  const streams = stdio({ kind: 'terminal', ...SIZE, console: false })
  await box.together('A process that sits at a terminal (lesson 6)', [clone3([]), ...streams.steps])
  await box.shim.monitor(streams.monitor)
  let seen = 0
  const see = (words: string | RegExp) =>
    until(`the words ${words}`, () => {
      // A shell that edits lines asks the terminal where its cursor is, behind the prompt.
      const news = stripVTControlCharacters(box.output().slice(seen))
      return typeof words === 'string' ? news.includes(words) : words.test(news)
    }).then(() => undefined)
  await box.together(command, [program])
  return {
    box,
    see,
    async type(line, words) {
      seen = box.output().length
      box.shim.stdin(Buffer.from(`${line}\n`))
      await see(words)
    },
  }
}
