/**
 * A container starts:
 *
 *     engine        shim of its own              whoever attached before
 *       │ ── MONITOR ─►│  its socket listens        │
 *       │ ─────────────│───── ATTACH for each ─────►│
 *       │ ── … exec ──►│  the program runs, and they have its first byte
 *
 * and its end is seen to by whoever has started it, or by an engine that finds it.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type ContainerSpec, type Layout, type LogRequest, machineFor, StartError } from '../../container/index.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { nowNanos, timestamp } from '../clock.js'

import type { Core } from '../core.js'
import { type Launched, type LaunchRequest, launchIn } from '../launch.js'
import { type Linked, linked, withLinked } from '../links.js'
import { logAttributes } from '../request/log.js'
import type { Container } from './container.js'
import { begin, writeExit } from './ending.js'
import { endpointsOf } from './endpoints.js'
import { type Joined, joined, othersHaveGone } from './joined.js'
import { lineOf } from './line.js'
import { tellLinked } from './links.js'
import { remember } from './notes.js'
import { removeNow } from './remove.js'
import type { Source, Streams } from './streams.js'

/** Docker's exit code of a container that could not be started for a reason that is not its program's. */
const UNKNOWN_FAILURE = 128

/** Who starts it: a person, its restart policy, or an engine that begins, for which it does not matter that somebody has stopped it before. */
export type Starter = 'somebody' | 'policy' | 'engine'

/** False: it runs already. */
export function start(core: Core, container: Container, by: Starter = 'somebody'): Promise<boolean> {
  return container.exclusively(async () => {
    refuseUnlessStartable(container)
    if (container.run || core.closing) return false
    // Somebody has stopped it while it rested.
    if (by === 'policy' && container.notes.stopped) return false
    container.backoff?.cancel()
    if (by !== 'policy') container.pause = undefined
    try {
      const act = () => startNow(core, container, by)
      await (container.record.spec.memoryVolumes ? core.oneByOne(act) : act())
      return true
    } catch (error) {
      await hasFailed(core, container, error)
      throw error
    }
  })
}

function refuseUnlessStartable({ status, id }: Container): void {
  if (status === 'paused') throw new DrydockError('cannot start a paused container, try unpause instead', { status: 409 })
  if (status === 'removing' || status === 'dead') {
    throw new DrydockError(`container is marked for removal and cannot be started: ${id}`, { status: 409 })
  }
}

async function startNow(core: Core, container: Container, by: Starter): Promise<void> {
  const { record, layout } = container
  const sources = new Map<Streams, Source>()
  // What the exit file says is about the run to come from here on.
  if (container.exit) rmSync(layout.exit, { force: true })
  let launched: Launched
  try {
    launched = await launchJoined(core, container, (request) =>
      launchIn(layout, record, request, {
        newShim: () => core.newShim(),
        monitor: () => monitorOf(container),
        serveNames: (networks) => core.names.use(networks),
        monitored: () => attachAll(container, sources),
      }),
    )
  } catch (error) {
    for (const { socket } of sources.values()) socket.destroy()
    throw error
  }
  const startedAt = timestamp(nowNanos())
  const finishedAt = container.exit?.finishedAt ?? container.notes.finishedAt
  container.notes = {
    startedAt,
    ...(finishedAt !== undefined && { finishedAt }),
    restartCount: by === 'policy' ? container.notes.restartCount + 1 : 0,
    stopped: false,
  }
  container.exit = undefined
  for (const [streams, source] of sources) streams.adopt(source)
  const endpoints = endpointsOf(core, record.spec, launched.connections)
  begin(core, container, { line: lineOf(launched.shim), startedAt, endpoints, ...(launched.names && { names: launched.names }) })
  tellLinked(core, container)
  // Who came in this very moment.
  for (const streams of [...container.attaching]) {
    void streams.open(layout.socket).then(
      (source) => streams.adopt(source),
      () => streams.giveUp(),
    )
  }
  for (const warning of launched.warnings) core.log('warn', `${container.name}: ${warning}`)
}

/** Whom it shares namespaces with may end, or be started again, in this very moment: then its first process is another one, or there is none, which is the better sentence. */
async function launchJoined(core: Core, container: Container, launch: (request: LaunchRequest) => Promise<Launched>): Promise<Launched> {
  const { spec } = container.record
  for (;;) {
    const together = joined(core, spec)
    try {
      return await launch(requestOf(core, container, together, linked(core, container)))
    } catch (error) {
      if (!(await othersHaveGone(core, together.spec))) throw error
    }
  }
}

function requestOf(core: Core, { record }: Container, { spec, ...together }: Joined, { env, hosts }: Linked) {
  const { more } = record
  return {
    ...together,
    spec: env.length > 0 ? { ...spec, env: withLinked(env, spec.env) } : spec,
    dataRoot: core.dataRoot,
    machine: machineFor(core.machine, spec),
    ...(more && { extraHosts: [...more.extraHosts, ...hosts], dns: more.dns, endpoints: more.endpoints }),
  }
}

function monitorOf({ record: { more, spec }, layout }: Container) {
  return {
    detach: true,
    socketPath: layout.socket,
    // Of what goes when it has ended nobody asks later; its shim waits until an engine has heard it.
    ...(!more?.autoRemove && { exitPath: layout.exit }),
    ...logSettings(more?.log ?? { driver: 'json-file' }, spec, layout),
    ...(more?.keepStdin && { keepStdin: true }),
  }
}

function logSettings(log: LogRequest, { id, name, image, argv, env, declared }: ContainerSpec, layout: Layout) {
  const { driver, maxSize, maxFiles = 1 } = log
  if (driver === 'none') return {}
  const owner = { id, name, imageId: image.id ?? '', imageName: image.name, argv, env, labels: declared?.labels ?? {} }
  const logAttrs = logAttributes(log, owner)
  if (driver === 'local') mkdirSync(dirname(layout.localLog), { recursive: true, mode: 0o700 })
  return {
    logPath: driver === 'local' ? layout.localLog : layout.log,
    ...(maxSize && { logMaxSize: maxSize, logMaxFiles: maxFiles }),
    ...(logAttrs !== undefined && { logAttrs }),
  }
}

/** Those who wait are with the shim before the program is. At another try of the same start they are so again. */
async function attachAll({ attaching, layout }: Container, sources: Map<Streams, Source>): Promise<void> {
  for (const { socket } of sources.values()) socket.destroy()
  sources.clear()
  await Promise.all([...attaching].map(async (one) => sources.set(one, await one.open(layout.socket))))
}

/** It is as if it had ended, with an exit code of its own; with AutoRemove nothing is left of it. */
async function hasFailed(core: Core, container: Container, error: unknown): Promise<void> {
  const exitCode = error instanceof StartError && error.exitCode !== 125 ? error.exitCode : UNKNOWN_FAILURE
  container.notes = { ...container.notes, failure: { exitCode, error: sentenceOf(error), at: timestamp(nowNanos()) } }
  for (const streams of [...container.attaching]) streams.giveUp()
  if (container.record.more?.autoRemove) {
    await removeNow(core, container, { volumes: true }).catch((cause) => core.log('error', `${container.name}: ${sentenceOf(cause)}`))
  } else {
    // The end of the run before is what it has again.
    if (container.exit) writeExit(core, container, container.exit)
    remember(core, container)
  }
  core.log('warn', `${container.name} was not started: ${sentenceOf(error)}`)
}
