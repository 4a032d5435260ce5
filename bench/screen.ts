/** How long a learner waits for the first screen of a lesson: `npm run lesson 1` in a terminal, until it asks for something. */
import { spawn } from 'node-pty'
import { milliseconds, spreadOf } from './tools.js'

const ROUNDS = 9

export async function measureFirstScreen(): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push(await firstScreen())
  console.log(`first screen of lesson 1, npm included: ${milliseconds(spreadOf(times))}`)
}

/** Milliseconds until the lesson's title stands on the screen. */
function firstScreen(): Promise<number> {
  const began = performance.now()
  const pty = spawn('npm', ['--silent', 'run', 'lesson', '1'], { cols: 100, rows: 40 })
  return new Promise((resolve) => {
    let screen = ''
    let took: number | undefined
    pty.onData((data) => {
      screen += data
      if (took !== undefined || !screen.includes('process')) return
      took = performance.now() - began
      pty.kill()
    })
    // The next one begins when this one has left: else two are measured at once.
    pty.onExit(() => resolve(took ?? Number.NaN))
  })
}
