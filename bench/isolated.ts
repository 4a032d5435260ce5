/**
 * A measurement on a host of its own: mount, pid, net, ipc and uts namespaces, all files that it makes on a tmpfs that goes with them. No
 * link, rule, mount or file reaches the machine, however the measurement ends; only cgroups are the machine's, see test/support/peers-cgroups.ts.
 *
 *     npm run bench ── lifeline (stdin) ──► unshare ──► sh, process 1, reaps ──► node bench/NAME.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { settleForDocker } from '../test/support/dockerd.js'
import { Bench, type Subject } from './bench.js'
import { optionsOf } from './tools.js'

/** The directory of a measurement's files there. */
export const PLACE = '/run/bench'

const SETTLE = `
mount -t tmpfs -o mode=755 private /run
mkdir -p ${PLACE}/tmp ${PLACE}/home ${PLACE}/var/upper ${PLACE}/var/work
# podman keeps addresses and a cache of blobs there, whatever its options say.
mount -t overlay -o lowerdir=/var/lib,upperdir=${PLACE}/var/upper,workdir=${PLACE}/var/work private /var/lib
${settleForDocker(PLACE)}
ip link set lo up
"$@"`

const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--net', '--ipc', '--uts', '--propagation', 'private']

/** Run a file of this directory there; its exit status, 130 when Ctrl-C ended it. */
export async function isolated(file: string, argv: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const env = {
    ...process.env,
    TMPDIR: `${PLACE}/tmp`,
    HOME: `${PLACE}/home`,
    DRYDOCK_DATA_ROOT: `${PLACE}/data`,
    DRYDOCK_RUN_DIR: undefined,
    // Of whoever measures: it doubles the time in which Node starts.
    NODE_EXTRA_CA_CERTS: undefined,
  }
  // Of a session of its own: Ctrl-C would end runtimes and daemon in the middle of their work, and leave cgroups.
  const child = spawn('unshare', [...NAMESPACES, 'sh', '-ec', SETTLE, 'sh', process.execPath, '--import', 'tsx', script, ...argv], {
    env,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: true,
  })
  let stopped: NodeJS.Signals | undefined
  const stop = (signal: NodeJS.Signals) => {
    stopped = signal
    child.stdin.end()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  const [code] = (await once(child, 'exit')) as [number | null]
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stop)
  return stopped ? 128 + constants.signals[stopped] : (code ?? 1)
}

/** The measurement's own side: the signal is aborted when the lifeline is closed or nobody reads the output any more. */
export async function measure(subject: Subject, work: (bench: Bench) => Promise<void>): Promise<never> {
  const ending = new AbortController()
  process.stdin.on('end', () => ending.abort()).resume()
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    ending.abort()
  })
  mkdirSync(process.env.DRYDOCK_DATA_ROOT as string, { recursive: true })
  let status = 0
  try {
    const bench = new Bench(subject, optionsOf(process.argv), ending.signal)
    await work(bench)
    if (!ending.signal.aborted) bench.save()
  } catch (error) {
    if (!ending.signal.aborted) {
      console.error(error)
      status = 1
    }
  }
  process.exit(status)
}
