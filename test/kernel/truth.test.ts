/** The list is the truth: a whole container under strace, and every call that was seen is one of the plan's, in its order. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import type { Result } from '../../lib/kernel/result.js'
import { Shim } from '../../lib/kernel/shim.js'
import { showStep } from '../../lib/kernel/show.js'
import { busyboxRoot, fullPlan } from '../support/full.js'
import { requires } from '../support/requires.js'
import { expectedArgs, parseStrace, type Seen } from '../support/strace.js'

/**
 * The interpreter's own calls, as native/PROTOCOL.md lists them. Calls that plans make too (read, write, close, prctl) count as
 * its own only with the arguments given here.
 */
const OWN: readonly { actor: 'host' | 'container' | 'both'; call: string; args?: RegExp }[] = [
  { actor: 'both', call: 'read', args: /^\d+, ?/ },
  { actor: 'both', call: 'sendto' },
  { actor: 'both', call: 'recvfrom' },
  { actor: 'both', call: 'mmap' },
  { actor: 'both', call: 'mremap' },
  { actor: 'both', call: 'munmap' },
  { actor: 'both', call: 'close', args: /^\d+$/ },
  { actor: 'container', call: 'prctl', args: /^PR_SET_PDEATHSIG, / },
  { actor: 'host', call: 'poll' },
  { actor: 'host', call: 'ppoll' },
  { actor: 'host', call: 'sendmsg' },
  { actor: 'host', call: 'socketpair' },
  { actor: 'host', call: 'fcntl' },
  { actor: 'host', call: 'rt_sigaction' },
  { actor: 'host', call: 'pidfd_open' },
  { actor: 'host', call: 'getpid' },
]

/** The plan's netlink steps are two calls to the kernel; what the shim calls by a name of its own, strace sees as them. */
const AS_SEEN: Readonly<Record<string, string>> = { netlink: 'sendto' }

requires(
  'root',
  'command:strace',
  'command:busybox',
)('a full container makes the calls of its plan, and no others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-truth-'))
  const root = busyboxRoot()
  const trace = join(directory, 'trace')
  const socketPath = join(directory, 's.sock')
  const args = ['-f', '-v', '-s', '100000', '-o', trace, SHIM_PATH, '--spawner', socketPath, '--warm', '1', '--lifeline', '3']
  const spawner = spawn('strace', args, { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
  await once(spawner.stdio[3] as never, 'data')
  const shim = await Shim.connect(socketPath)
  const steps = fullPlan({ root: root.path, name: 'truth', argv: ['true'] })
  const results = await shim.run(steps)
  expect(await shim.exited).toMatchObject({ code: 0 })
  await shim.ended
  ;(spawner.stdio[3] as unknown as { destroy(): void }).destroy()
  await once(spawner, 'exit')

  const seen = parseStrace(readFileSync(trace, 'utf8'))
  const child = Number(results.find(({ step }) => step.call === 'clone3')?.ret)
  const made = (actor: 'host' | 'container') => results.filter(({ step, status }) => step.actor === actor && status !== 'not run')
  expect(unexplained(made('host'), since(seen, shim.pid), 'host')).toEqual([])
  expect(
    unexplained(
      made('container'),
      seen.filter(({ pid }) => pid === child),
      'container',
    ),
  ).toEqual([])

  rmSync(directory, { recursive: true })
  root.remove()
})

/** The shim's calls from the batch on: what it did to become a shim is the spawner's business. */
function since(seen: readonly Seen[], pid: number): Seen[] {
  const own = seen.filter((one) => one.pid === pid)
  const hello = own.findIndex(({ call, args }) => call === 'sendmsg' && args.includes('\\201'))
  const end = own.findIndex(({ call }) => call === 'exit_group')
  // After the clone3 and its batch the host's side only watches: undo comes after the exit.
  const exit = own.findIndex(({ call }, index) => index > hello && (call === 'wait4' || call === 'waitid'))
  return own.slice(hello + 1, exit === -1 ? end : exit)
}

/** Walks the plan and the trace side by side. A call that is neither the next step nor the interpreter's own is unexplained. */
function unexplained(results: readonly Result[], seen: readonly Seen[], actor: 'host' | 'container'): string[] {
  const complaints: string[] = []
  let next = 0
  for (const one of seen) {
    const result = results[next]
    if (result && matches(result, one)) next++
    else if (next === results.length && actor === 'container')
      break // the program's own calls begin
    else if (!isOwn(one, actor)) {
      complaints.push(`${actor}: saw ${one.call}(${one.args}) = ${one.result}; expected ${result ? showStep(result.step) : 'the end'}`)
      if (complaints.length > 5) break
    }
  }
  if (next < results.length)
    complaints.push(`${actor}: never saw ${showStep((results[next] as Result).step)} (step ${next} of ${results.length})`)
  return complaints
}

function matches({ step, errno }: Result, one: Seen): boolean {
  if ((AS_SEEN[step.call] ?? step.call) !== one.call) return false
  const failed = one.result.startsWith('-1')
  if (failed !== (errno !== 0)) return false
  return step.call === 'netlink' || expectedArgs(step).test(one.args)
}

function isOwn(one: Seen, actor: 'host' | 'container'): boolean {
  return OWN.some((own) => (own.actor === actor || own.actor === 'both') && own.call === one.call && (own.args?.test(one.args) ?? true))
}
