/** The tool that stops processes for tests: those below one, for a moment, and none of them for ever. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { readChildren, readProcess } from '../../lib/kernel/proc/processes.js'
import { Stopper } from '../stops/stopper.js'

test('processes are stopped and go on, and whoever is above them is left alone', async () => {
  const child = spawn('sh', ['-c', 'sleep 1000 & sleep 1000 & wait'])
  const pid = child.pid as number
  try {
    await expect.poll(() => readChildren(pid).length).toBe(2)
    const stopper = new Stopper(pid, { every: 5, longest: 100 })
    const running = stopper.run()
    const seen = new Set<number>()
    const look = () => {
      for (const one of [pid, ...readChildren(pid)]) if (readProcess(one)?.state === 'T') seen.add(one)
      return [...seen].sort()
    }
    await expect.poll(look, { interval: 1 }).toEqual(readChildren(pid).sort())
    stopper.end()
    await running
    expect(stopper.count).toBeGreaterThan(1)
    await expect.poll(() => readChildren(pid).map((one) => readProcess(one)?.state)).toEqual(['S', 'S'])
  } finally {
    for (const one of readChildren(pid)) process.kill(one, 'SIGKILL')
    await once(child, 'exit')
  }
})
