/*
 * Loaded into a daemon before its own code (NODE_OPTIONS=--require): on SIGUSR2 the collector takes all that is garbage, and what is left is written to
 * $DRYDOCK_HEAP_FILE, in bytes. What a process has of the kernel says little: Node gives back what it does not need when it likes.
 */
const { renameSync, writeFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

const FILE = process.env.DRYDOCK_HEAP_FILE
// In the daemon alone, not in what it starts.
delete process.env.NODE_OPTIONS
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

process.on('SIGUSR2', async () => {
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(`${FILE}.new`, String(heapUsed + external))
  renameSync(`${FILE}.new`, FILE)
})
