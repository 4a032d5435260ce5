/**
 * `run --rm busybox true` as a cold command, Node's start included: drydock without an engine and through its engine, docker with either engine, podman. Run
 * by main.ts on a host of its own.
 */
import { delimiter, dirname } from 'node:path'
import { execa } from 'execa'
import { DRYDOCK } from '../test/support/private-host.js'
import { type Engines, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Target } from './page/result.js'
import { podmanRun } from './podman.js'
import { type Contestants, command, interleaved } from './tools.js'

const SUBJECT = {
  name: 'command',
  title: 'The command line',
  about: `From the start of the command to its end, as a user waits for it. *drydock run* makes the container itself (\`--no-engine\`), as podman does; *through its engine* it is a client, as
docker is (the same images and networks). docker's own command is measured with both engines. Everything has the same few variables in its environment: others cost Node time at its start
(a file of certificates some 30 ms).`,
}

const TARGETS: readonly Target[] = [
  {
    peer: 'docker run',
    bound: 1 / 3,
    reason: `most of it is the start of Node and the loading of the command; the container takes a few milliseconds of it. \`docker run\` with drydock's engine has the container without
that start.`,
  },
]

const { PATH = '', HOME = '' } = process.env
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME }

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const podman = await podmanRun(bench)
    const turns = { rounds: bench.rounds(20, 2), signal: bench.signal, warmUp: 2 }
    const { stdout } = await execa('docker', ['--version'])
    bench.version('docker', stdout.replace(/^Docker version ([^,]*),.*$/, '$1'))
    const contestants = (network: string): Contestants<string> => {
      const argv = ['--rm', '--network', network, 'busybox', 'true']
      return {
        ...ours(engines, argv),
        ...(podman && { 'podman run': () => command(podman(...argv), ENVIRONMENT) }),
      }
    }
    bench.command('drydock --no-engine run --rm --network none busybox true', 'drydock run --rm --network none busybox true')
    bench.command('docker run --rm --network none busybox true', 'podman run --rm --network none busybox true')
    bench.compare({
      key: 'command',
      title: 'run --rm busybox true',
      unit: 'ms',
      better: 'less',
      own: 'drydock run',
      cases: [
        { label: 'no network', values: await interleaved(contestants('none'), turns), targets: TARGETS },
        { label: 'bridge', values: await interleaved(contestants('bridge'), turns), targets: TARGETS },
      ],
    })
  }),
)

function ours({ drydock, dockerd }: Engines, argv: readonly string[]): Contestants<string> {
  return {
    'drydock run': () => command([DRYDOCK, '--no-engine', 'run', ...argv], { ...ENVIRONMENT, DRYDOCK_DATA_ROOT: drydock.dataRoot }),
    'drydock, its engine': () => command([DRYDOCK, '-H', drydock.address, 'run', ...argv], ENVIRONMENT),
    'docker, drydock’s engine': () => command(drydock.docker('run', ...argv), ENVIRONMENT),
    'docker run': () => command(dockerd.docker('run', ...argv), ENVIRONMENT),
  }
}
