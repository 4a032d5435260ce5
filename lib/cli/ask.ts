/** One question, one line. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Interrupted } from './interrupt.js'

/** A line that is typed, or comes from a pipe; '' when none does any more. `hidden`: it is not shown. Ctrl-C ends the program as elsewhere. */
export function ask(question: string, { hidden = false } = {}): Promise<string> {
  // What is typed is echoed by readline, which here has nowhere to write to.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stdout,
    terminal: process.stdin.isTTY === true,
    historySize: 0,
  })
  return new Promise((resolve, reject) => {
    let answered = false
    const end = (settle: () => void) => {
      answered = true
      lines.close()
      if (hidden) process.stdout.write('\n')
      settle()
    }
    lines.on('SIGINT', () => end(() => reject(new Interrupted('SIGINT'))))
    lines.on('close', () => {
      if (!answered) end(() => resolve(''))
    })
    if (hidden) process.stdout.write(question)
    lines.question(hidden ? '' : question, (answer) => end(() => resolve(answer)))
  })
}
