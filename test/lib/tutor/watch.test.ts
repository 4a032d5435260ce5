import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'vitest'
import { FileWatcher } from '../../../lib/tutor/watch.js'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-watch-'))
  file = join(directory, 'exercise.ts')
  writeFileSync(file, 'one')
})
afterEach(() => rmSync(directory, { recursive: true }))

it('tells a save that came while nobody waited any more to who waits next', async () => {
  const watcher = new FileWatcher(file)
  // Another on the same file is told after the first: then the first has been told.
  const witness = new FileWatcher(file)
  try {
    const giveUp = new AbortController()
    void watcher.saved(giveUp.signal)
    giveUp.abort()
    // Longer: a save within one tick of the clock that files are dated by would look like none.
    writeFileSync(file, 'two and more')
    await witness.saved()
    await watcher.saved()
  } finally {
    watcher.close()
    witness.close()
  }
})
