/** The lesson's engine, on vm-1: at its socket, and at the addresses that a scene wants besides. */
import { child, clone3, host, kill } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Box, Stage } from '../../lib/tutor/lesson.js'
import { until } from '../01-namespaces/looks.js'
import type { Engine } from '../08-engine/client.js'
import { bundle, CANNOT_RUN, canRun, listening, SOCKET, type Stock } from '../08-engine/engine.js'
import { IMAGE, lifeboat } from '../08-engine/image.js'
import { commandLine, program, type Settings } from './commands.js'
import { type TwoHosts, twoHosts } from './ground.js'
import { listeners } from './table.js'

export const PORT = 2375
export const TLS_PORT = 2376
export const AT_SOCKET = ['-H', `unix://${SOCKET}`] as const

/** It says nothing but what is wrong. */
export const WARNINGS = ['--log-level', 'warn'] as const

/** Where it is reached from vm-2. */
export const tcp = (hosts: TwoHosts, port = PORT): string => `tcp://${hosts.address('vm-1')}:${port}`

/** What a client on vm-2 is told once, by `export`. */
export const remote = (hosts: TwoHosts): Settings => ({ DOCKER_HOST: tcp(hosts) })

/** Without a word, on a port that is open to everybody: its warning was read once. */
export const open = (hosts: TwoHosts): string[] => ['-H', tcp(hosts), '--tls=false', '--log-level', 'error']

export interface Running {
  /** The engine is the child of this box. */
  readonly box: Box
  /** The tutor's own way to it, by the socket. */
  readonly engine: Engine
}

/** Can one be started here? When not, that was said. */
export async function able(stage: Stage): Promise<boolean> {
  const can = canRun(twoHosts(stage).on('vm-1'))
  if (!can) await stage.say(CANNOT_RUN)
  else await bundle()
  return can
}

/** `drydock daemon` with these words; it may not listen yet. */
export async function daemon(stage: Stage, words: readonly string[], title = 'engine on vm-1'): Promise<Box> {
  const hosts = twoHosts(stage)
  const box = await stage.box(title, { on: hosts.on('vm-1') })
  const command = ['drydock', 'daemon', ...words]
  await box.together(commandLine(command), [clone3([]), program(hosts, 'vm-1', command)])
  return box
}

/** At its socket and as `words` say. Undefined where there can be none; then that was said. */
export async function openEngine(stage: Stage, words: readonly string[], { image = true }: Stock = {}): Promise<Running | undefined> {
  if (!(await able(stage))) return undefined
  const running = await reopenEngine(stage, words)
  if (image) await running.engine.import(IMAGE, lifeboat(twoHosts(stage).on('vm-1')))
  return running
}

/** The same when one has been there before, with what that one has left. */
export async function reopenEngine(stage: Stage, words: readonly string[]): Promise<Running> {
  const box = await daemon(stage, [...AT_SOCKET, ...words])
  return { box, engine: await listening(twoHosts(stage).on('vm-1'), box.shim) }
}

/** Wait until somebody listens at this port of vm-1, or fail when the engine has ended before. */
export async function untilOpen(hosts: TwoHosts, box: Box, port = PORT): Promise<void> {
  let ended = false
  void box.shim.exited.then(
    () => {
      ended = true
    },
    () => undefined,
  )
  await until(`that somebody listens at port ${port}`, () => {
    if (ended) throw new DrydockError(`the program that was to listen there has ended: ${box.output().trim()}`)
    return listeners(hosts.on('vm-1')).some(({ local }) => local.port === port)
  })
}

export async function stop({ box }: Pick<Running, 'box'>, why: string): Promise<void> {
  await box.step(host(kill(child, 'term', { why })))
  await box.exited()
}

/** Behind the stage, for an exercise. */
export async function quietEngine(hosts: TwoHosts, words: readonly string[]): Promise<Engine> {
  const bottle = hosts.on('vm-1')
  if (!canRun(bottle)) throw new DrydockError(CANNOT_RUN)
  await bundle()
  const shim = await bottle.shim()
  await shim.run([clone3([]), program(hosts, 'vm-1', ['drydock', 'daemon', ...AT_SOCKET, ...words])])
  const engine = await listening(bottle, shim)
  await engine.import(IMAGE, lifeboat(bottle))
  return engine
}
