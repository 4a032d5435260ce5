import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'

const PIECES = 40
const PROGRAM = `
import { printOutput } from './lib/cli/client/streams.ts'
import { Readable } from 'node:stream'
const piece = Buffer.alloc(8 + (1 << 20))
piece[0] = 1
piece.writeUInt32BE(1 << 20, 4)
await printOutput(Readable.from(Array.from({ length: ${PIECES} }, () => piece)), { tty: false })
`

test('much output for a slow reader is all that is said', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  let length = 0
  for await (const chunk of child.stdout) length += chunk.length
  expect(length).toBe(PIECES << 20)
  expect(complaints).toBe('')
})
