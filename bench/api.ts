/** Requests on the engines' sockets, one after another. Run by main.ts on a host of its own. */
import type { EngineApi } from '../test/support/engines/api.js'
import { both, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Target } from './page/result.js'
import { interleaved } from './tools.js'

const SUBJECT = {
  name: 'api',
  title: 'Requests to an engine',
  about: `A run is \`POST create\`, \`POST wait\`, \`POST start\`, the answer of \`wait\`, and \`DELETE\`, as \`docker run --rm\` asks. An exec is \`POST exec\` and \`POST start\` until its
output has ended, and the question for its exit code. Start and stop are of a container that sleeps, and whose stop signal is SIGKILL, so that nobody waits for the program. Each request has a connection of its own.`,
}

/** Of profiles of the daemon and the processor time of all that takes part (proc_pid_stat(5)). */
const RUN_COSTS = `of a run's processor time some two fifths are the engine's own: five requests on connections of their own are taken, checked and answered, a plan of some
300 steps is made and sent, and records and events are kept on disk. As much are the container itself, its shim and the kernel's work, the client of the measurement is the rest.`
const EXEC_COSTS = `most of it is three requests on connections of their own, and a shim that joins the container’s namespaces and starts the program.`

const NONE: readonly Target[] = [{ peer: 'dockerd', bound: 1 / 24, reason: RUN_COSTS }]
const BRIDGE: readonly Target[] = [{ peer: 'dockerd', bound: 1 / 31, reason: RUN_COSTS }]
const EXEC: readonly Target[] = [{ peer: 'dockerd', bound: 1 / 13, reason: EXEC_COSTS }]

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const turns = { rounds: bench.rounds(30, 4), signal: bench.signal }
    const run = (NetworkMode: string) => both(engines, (engine) => engine.run(['true'], { HostConfig: { NetworkMode } }))
    bench.compare({
      key: 'api',
      title: 'create, start, wait and delete of true',
      unit: 'ms',
      better: 'less',
      own: 'drydock',
      cases: [
        { label: 'no network', values: await interleaved(run('none'), turns), targets: NONE },
        { label: 'bridge', values: await interleaved(run('bridge'), turns), targets: BRIDGE },
      ],
    })

    const sleeper = { StopSignal: 'SIGKILL', HostConfig: { NetworkMode: 'none' } }
    const ids = {
      drydock: await engines.drydock.api.create(['sleep', '1000000'], sleeper),
      dockerd: await engines.dockerd.api.create(['sleep', '1000000'], sleeper),
    }
    const startAndStop = both(engines, async ({ name, api }) => {
      await api.start(ids[name])
      await api.must('POST', `/containers/${ids[name]}/stop`)
    })
    const started = await interleaved(startAndStop, turns)
    for (const { name, api } of Object.values(engines)) await api.start(ids[name])
    const execs = await interleaved(
      both(engines, ({ name, api }) => exec(api, ids[name])),
      turns,
    )
    bench.compare({
      key: 'api-inside',
      title: 'exec of true, and start and stop',
      unit: 'ms',
      better: 'less',
      own: 'drydock',
      cases: [
        { label: 'exec', values: execs, targets: EXEC },
        { label: 'start and stop', values: started },
      ],
    })
  }),
)

async function exec(api: EngineApi, container: string): Promise<void> {
  const { Id } = await api.must<{ Id: string }>('POST', `/containers/${container}/exec`, {
    Cmd: ['true'],
    AttachStdout: true,
    AttachStderr: true,
  })
  const stream = await api.hijack(`/exec/${Id}/start`, { body: { Detach: false, Tty: false }, agent: 'Docker-Client/28.2.2 (linux)' })
  await stream.ended()
  const { ExitCode } = await api.must<{ ExitCode: number }>('GET', `/exec/${Id}/json`)
  if (ExitCode !== 0) throw new Error(`exec of true ended with ${ExitCode}`)
}
