/**
 * `drydock run --rm host true` as a cold command, Node's start included, beside `docker run --rm busybox true` with a daemon that runs. Each
 * on its default network. Run by main.ts on a host of its own.
 */
import { delimiter, dirname } from 'node:path'
import { execa } from 'execa'
import { busyboxRoot } from '../test/support/full.js'
import { DRYDOCK } from '../test/support/private-host.js'
import { startDaemon } from './daemon.js'
import { measure, PLACE } from './isolated.js'
import { type Contestants, interleaved, report, roundsOf } from './tools.js'

/** What issue 3 asks for, of the peer's time. */
const TARGETS = { 'docker run': 1 / 3 }

const rounds = roundsOf(process.argv, 30)

/** The same few for both: others cost Node time at its start (a file of certificates some 30 ms), or docker. */
const { PATH = '', HOME = '', DRYDOCK_DATA_ROOT = '' } = process.env
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, DRYDOCK_DATA_ROOT, DRYDOCK_ENGINE: 'none' }

await measure(async (signal) => {
  const dropped = Object.keys(process.env).filter((name) => /^(NODE_|SSL_|DOCKER_)/.test(name))
  const root = busyboxRoot()
  const daemon = await startDaemon(`${PLACE}/docker`, signal)
  try {
    await daemon.importImage('busybox', root.path)
    const contestants: Contestants<'drydock run' | 'docker run'> = {
      'drydock run': () => command([DRYDOCK, 'run', '--rm', 'host', 'true']),
      'docker run': () => command(daemon.docker('run', '--rm', 'busybox', 'true')),
    }
    const times = await interleaved(contestants, rounds, signal)
    report(`run --rm … true as a cold command, beside Docker ${daemon.version} whose daemon runs`, times, 'drydock run', TARGETS)
    const without = dropped.length > 0 ? `, so without ${dropped.join(', ')}` : ''
    console.log(`  both with ${Object.keys(ENVIRONMENT).join(', ')} alone in the environment${without}; all files on a tmpfs`)
  } finally {
    await daemon.stop()
  }
})

async function command([file, ...args]: readonly string[]): Promise<void> {
  await execa(file as string, args, { stdin: 'ignore', env: ENVIRONMENT, extendEnv: false })
}
