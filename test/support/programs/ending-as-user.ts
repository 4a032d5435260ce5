/**
 * As an ordinary user: what is read of a process that ends and cannot be over yet. The first process of a pid namespace waits at its end for all that
 * are in it, and one of these belongs to a parent outside, who never asks for it. By then its memory and its files are gone (pid_namespaces(7)).
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { readChildren, readProcess } from '../../../lib/kernel/proc/processes.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import { readState } from '../../../lib/tutor/state.js'

const line = async ({ stdout }: ChildProcessWithoutNullStreams) => String((await once(stdout, 'data'))[0]).trim()

const maker = spawn('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'sh', '-c', 'echo here; exec sleep 1000'])
await line(maker)
const [first] = readChildren(maker.pid as number) as [number]
const seen = readState(first)
const enter = ['--target', String(first), '--user', '--pid', '--preserve-credentials', '--no-fork']
const parent = spawn('nsenter', [...enter, 'sh', '-c', 'sleep 1000 & echo here; exec sleep 1000'])
await line(parent)
// While it is still a shell it may ask for its child after all.
while (readProcess(parent.pid as number)?.commandLine[0] !== 'sleep') await pause(1)
process.kill(first, 'SIGKILL')
while (readStatus(first)?.memory) await pause(1)

let files: string
try {
  files = readdirSync(`/proc/${first}/fd`).join()
} catch (error) {
  files = (error as NodeJS.ErrnoException).code as string
}
const found = { before: seen?.pids.at(-1), letter: readStatus(first)?.state, files, state: readState(first) ?? 'none' }
parent.kill('SIGKILL')
await once(maker, 'exit')
console.log(JSON.stringify(found))
