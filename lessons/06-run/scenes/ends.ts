/** The end: what comes of an exit code, why TERM is not enough, and who tidies up. */
import { existsSync } from 'node:fs'
import { plan } from '../../../lib/container/plan.js'
import { child, close, type Fragment, host, inPhase, kill, mkdir, open, ref, rmdir, unlink } from '../../../lib/index.js'
import { readNamespace } from '../../../lib/kernel/proc/namespaces.js'
import { readNetDev } from '../../../lib/kernel/proc/net.js'
import { processesIn } from '../../../lib/kernel/proc/processes.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import { showStep } from '../../../lib/kernel/show.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { mountsOf } from '../../04-rootfs/looks.js'
import { build, buildHull, run } from '../container.js'

export async function theEnd(stage: Stage): Promise<void> {
  buildHull(stage.bottle)
  await exitCodes(stage)
  await thePolite(stage)
  await everythingGone(stage)
}

async function exitCodes(stage: Stage): Promise<void> {
  const box = await stage.box('seven', { ownMonitor: true })
  await run(
    box,
    await build(stage.bottle, { argv: ['/bin/sh', '-c', 'exit 7'], hostname: 'ship', bare: true }),
    'A container that runs: sh -c "exit 7"',
  )
  const { code } = await box.exited()
  await stage.look('What the kernel told the shim, which had waited for its child', () => [
    { label: 'exit code', value: `${code}: the program’s own, and so that of the command`, notice: true },
  ])
}

/** SIGTERM to a process 1 that has made no arrangement for it. */
async function thePolite(stage: Stage): Promise<void> {
  const box = await stage.box('deaf', { ownMonitor: true })
  await run(
    box,
    await build(stage.bottle, { argv: ['/bin/sleep', '1000'], hostname: 'ship', bare: true }),
    'A container that runs sleep 1000',
  )
  const [ends, stays] = ['it ends: TERM ends a program that does not care', 'nothing: the signal is not even delivered'] as const
  await stage.predict({
    question:
      '`docker stop` begins with SIGTERM. The container is `sleep 1000`, which has never heard of signals. The host sends it SIGTERM. What happens?',
    choices: [ends, stays],
    async measure() {
      const pid = box.hostPid()
      await box.step(host(kill(child, 'term', { why: 'a polite request, from outside' })))
      // A signal that is ignored is dropped in the call itself: it is neither pending afterwards nor does it arrive later.
      const status = readStatus(pid)
      const pending = ['SigPnd', 'ShdPnd'].some((line) => BigInt(`0x${status?.lines.get(line) ?? '0'}`) !== 0n)
      return status !== undefined && status.state !== 'Z' && !pending ? stays : ends
    },
    because:
      'It is process 1, and process 1 gets only signals that it has a handler for (lesson 1). So `docker stop` waits ten seconds, and then does what now comes. With `--init` a small program is process 1, which ' +
      'passes signals on to yours.',
  })
  await box.step(host(kill(child, 'kill', { why: 'no request any more' })))
  const { signal } = await box.exited()
  await stage.look('What drydock run and docker run make of it', () => [
    { label: 'ended by signal', value: String(signal) },
    { label: 'exit code', value: `128 + ${signal} = ${128 + signal}`, notice: true },
  ])
}

/** What a container has on the host besides itself: here a directory with a file in it, as an engine keeps them. */
const DIRECTORY = '/run/ship'
const FILE = `${DIRECTORY}/lease`

const state: Fragment = {
  primitive: 'state',
  title: 'What the host knows of it',
  steps: inPhase('prepare', 'host', [
    mkdir(DIRECTORY, 0o700, { undo: [rmdir(DIRECTORY)], why: 'a directory on the host' }),
    open(FILE, ['creat', 'excl', 'wronly'], {
      keep: 'lease',
      undo: [unlink(FILE)],
      why: 'a file in it: nobody else may take this address',
    }),
    close(ref('lease')),
  ]),
}

async function everythingGone(stage: Stage): Promise<void> {
  const { bottle } = stage
  const built = await build(bottle, { argv: ['/bin/sleep', '1000'], hostname: 'ship' })
  const steps = plan([state, ...built.fragments])
  const box = await stage.box('whole', { ownMonitor: true })
  await stage.say('Last, a whole container with all that it leaves outside: files, and where this machine allows it a cable and cgroups.')
  await run(box, { ...built, steps }, 'A container that runs sleep 1000, with all of it')
  const pid = box.hostPid()
  const inode = readNamespace(pid, 'pid') as number
  const undo = steps.flatMap((step) => step.undo ?? []).reverse()
  const directories = steps.filter(({ call, undo: own }) => call === 'mkdirat' && own).map(pathOf)
  const count = () => ({
    processes: processesIn('pid', inode).length,
    mounts: mountsOf(pid).length,
    cables: (readNetDev(bottle.pid) ?? []).filter(({ name }) => name.startsWith('veth')).length,
    directories: directories.filter((path) => existsSync(bottle.hostPath(path))).length,
  })
  const before = count()
  await stage.look('The undo steps that the shim holds, in the order in which it will make them', () => {
    const shown = undo.slice(-4).map((step) => ({ label: step.call, value: showStep(step) }))
    return undo.length > 4 ? [{ label: '…', value: `${undo.length - 4} of other directories` }, ...shown] : shown
  })
  await goodbye(box)
  await until('the end of the cable', () => count().cables === 0)
  const after = count()
  await stage.look('Before, and after', () =>
    Object.entries(before).map(([label, value]) => ({ label, value: `${value} → ${after[label as keyof typeof after]}`, notice: true })),
  )
}

/** The shim undoes and ends, by itself, when the container has ended. */
async function goodbye(box: Box): Promise<void> {
  await box.step(host(kill(child, 'kill', { why: 'the whole container is this one process; its namespaces go with it' })))
  await box.exited()
  await box.shim.ended
}

function pathOf({ args }: (typeof state.steps)[number]): string {
  const path = args.find(({ kind }) => kind === 'text')
  return path?.kind === 'text' ? path.parts.filter((part) => typeof part === 'string').join('') : ''
}
