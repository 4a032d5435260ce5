/** How long a learner waits for the first screen of a lesson: `npm run lesson 1` in a terminal, until it asks for something. */
import { spawn } from 'node-pty'
import type { Bench } from './bench.js'

export const SCREEN = {
  name: 'screen',
  title: 'The first screen of a lesson',
  about: 'From the return key to the first words of lesson 1 in a terminal, npm included.',
}

export async function measureFirstScreen(bench: Bench): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < bench.rounds(9, 2); round++) times.push(await firstScreen())
  bench.command('npm run lesson 1')
  bench.compare({
    key: 'screen',
    title: 'until the first screen of lesson 1',
    unit: 'ms',
    better: 'less',
    own: 'drydock',
    cases: [{ label: 'in a terminal', values: { drydock: times } }],
  })
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
